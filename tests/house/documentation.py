"""Read the documents (README.md, .github and the READMEs of packages): code blocks, code spans, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src/benegraph"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced code block: its language, which may be empty, and its text."""

    language: str
    text: str


@dataclass(frozen=True)
class Document:
    """A Markdown document, by its path in the repository."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        return [Block(language, text) for language, text in _FENCE.findall(self.text)]

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """The inline code of the prose."""
        return _SPAN.findall(self.prose)

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_SPAN.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """The anchors of the headings, as GitHub derives them."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(self.prose)}


@cache
def documents() -> list[Document]:
    paths = [ROOT / "README.md", *sorted((ROOT / ".github").rglob("*.md")), *sorted(SOURCES.rglob("README.md"))]
    return [Document(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def blocks_of(language: str) -> Iterator[tuple[str, str]]:
    """Yield the blocks in a language, each with the name of its document."""
    for document in documents():
        for block in document.blocks:
            if block.language == language:
                yield document.name, block.text
