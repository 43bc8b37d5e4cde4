"""The document about the demo app quotes its source, unchanged."""

import pytest
from documentation import ROOT, SOURCES, Block, Document

DOCUMENT = ROOT / ".github/docs/demo-app.md"
APP = SOURCES / "web/pages/npm/demo"
QUOTES = [
    block
    for block in Document(DOCUMENT.name, DOCUMENT.read_text(encoding="utf-8")).blocks
    if block.language in {"ts", "tsx"}
]


@pytest.mark.parametrize("block", QUOTES, ids=[block.text.split("\n")[0].strip() for block in QUOTES])
def test_quoted_code_is_in_the_source(block: Block) -> None:
    sources = [path.read_text(encoding="utf-8") for path in APP.rglob(f"*.{block.language}")]
    assert sum(block.text in source for source in sources) == 1


def test_document_quotes_the_app() -> None:
    assert len(QUOTES) >= 8
