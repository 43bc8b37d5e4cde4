"""The language of the repository: plain words in every text, and one class for each name.

Sentences about "what" and "who" hide their subject, and "tell" hides the operation. A few of them are good English, so
the tests bound their rate instead of forbidding them.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import documentation
import pytest
from graphql import Node, StringValueNode, parse

ROOT = Path(__file__).parents[2]
WORD = re.compile(r"[A-Za-z']+")
VAGUE = re.compile(r"\b(what|who|whom|whose|nobody|somebody|whoever|whatever)\b", re.IGNORECASE)
TELLING = re.compile(r"\b(tell|tells|told)\b", re.IGNORECASE)
#: The upper bounds, in occurrences per 1,000 words.
MAX_VAGUE, MAX_TELLING = 3.0, 0.5

#: How a line comment begins, by the ending or the name of a file. Python's comments are read by its tokenizer.
LINE_COMMENTS = {
    ".js": "//",
    ".mjs": "//",
    ".ts": "//",
    ".tsx": "//",
    ".lua": "--",
    ".sql": "--",
    ".toml": "#",
    "Dockerfile": "#",
    "run": "#",
}
#: Packages with the values and rows that a GraphQL type of the same name may stand for.
VALUES_AND_ROWS = ("domain/", "db/models/", "db/store/")


@dataclass(frozen=True)
class Text:
    """A piece of prose, and the place it was read from."""

    location: str
    content: str

    def count(self, pattern: re.Pattern[str]) -> int:
        return len(pattern.findall(self.content))


def rate(texts: list[Text], pattern: re.Pattern[str]) -> float:
    """Return the occurrences of a pattern per 1,000 words."""
    words = sum(text.count(WORD) for text in texts)
    return 1000 * sum(text.count(pattern) for text in texts) / words


def occurrences(texts: list[Text], pattern: re.Pattern[str]) -> str:
    """Return a line for each text in which a pattern occurs, as a failing test prints it."""
    return "\n".join(f"{text.location}: {' '.join(text.content.split())}" for text in texts if text.count(pattern))


# ------------------------------------------------------------------------------------------------- reading the texts


def python_files(*directories: str) -> Iterator[tuple[str, str]]:
    for directory in directories:
        for path in sorted((ROOT / directory).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def texts_of_python(name: str, source: str) -> Iterator[Text]:
    """Read the docstrings and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield Text(f"{name}:{node.body[0].lineno}", docstring)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{name}:{token.start[0]}", token.string)


def texts_of_other_languages() -> Iterator[Text]:
    """Read the line comments of scripts, statements and configuration."""
    files = [ROOT / "Dockerfile", ROOT / "pyproject.toml", ROOT / ".ci/run"]
    files += [path for top in ("src", "tests") for path in sorted((ROOT / top).rglob("*.*"))]
    for path in files:
        mark = LINE_COMMENTS.get(path.suffix or path.name)
        if mark and path.is_file() and "node_modules" not in path.parts:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if line.lstrip().startswith(mark):
                    yield Text(f"{path.relative_to(ROOT)}:{number}", line)


def comments_and_docstrings() -> list[Text]:
    in_python = [text for name, source in python_files("src", "tests") for text in texts_of_python(name, source)]
    return [*in_python, *texts_of_other_languages()]


def schema_descriptions() -> list[Text]:
    def descriptions(node: Node) -> Iterator[Text]:
        for key in node.keys:
            value = getattr(node, key)
            for child in value if isinstance(value, tuple | list) else [value]:
                if key == "description" and isinstance(child, StringValueNode) and child.loc:
                    yield Text(f"schema.graphql:{child.loc.start_token.line}", child.value)
                elif isinstance(child, Node):
                    yield from descriptions(child)

    return list(descriptions(parse((ROOT / "schema.graphql").read_text(encoding="utf-8"))))


def documents() -> list[Text]:
    """Read the prose of all documents, without code blocks and inline code."""
    return [text for document in documentation.documents() for text in texts_of_markdown(document.name, document.text)]


def texts_of_markdown(name: str, source: str) -> Iterator[Text]:
    is_code = False
    for number, line in enumerate(source.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and line.strip():
            yield Text(f"{name}:{number}", re.sub(r"`[^`]*`", "", line))


def test_names() -> list[Text]:
    """Read the names of all tests as sentences."""
    return [
        Text(f"{name}:{node.lineno}", node.name.replace("_", " "))
        for name, source in python_files("tests")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


test_names.__test__ = False  # type: ignore[attr-defined] # a reader of texts, and no test


# ------------------------------------------------------------------------------------------------- the rates of words


@pytest.mark.parametrize("read", [comments_and_docstrings, schema_descriptions, documents, test_names])
def test_texts_use_plain_words(read: Callable[[], list[Text]]) -> None:
    texts = read()
    assert sum(text.count(WORD) for text in texts) > 1000
    assert rate(texts, VAGUE) <= MAX_VAGUE, occurrences(texts, VAGUE)
    assert rate(texts, TELLING) <= MAX_TELLING, occurrences(texts, TELLING)


def test_measure_counts_vague_words_of_docstrings_and_comments() -> None:
    source = '''
def find(key: str) -> None:
    """Tell whose row a key is, or nobody's."""
    # Whoever asks is told.
    message = "what is written in a string is no comment"
'''
    texts = list(texts_of_python("find.py", source))
    assert [text.location for text in texts] == ["find.py:3", "find.py:4"]
    assert rate(texts, VAGUE) == 1000 * 3 / 12
    assert rate(texts, TELLING) == 1000 * 2 / 12
    assert occurrences(texts, TELLING).splitlines()[1] == "find.py:4: # Whoever asks is told."


def test_measure_skips_code_in_documents() -> None:
    source = "Run `tell` now.\n\n```python\n# what follows is code\n```\nThis tells.\n"
    texts = list(texts_of_markdown("a.md", source))
    assert [(text.location, text.content) for text in texts] == [("a.md:1", "Run  now."), ("a.md:6", "This tells.")]


def test_measure_passes_plain_sentences() -> None:
    texts = list(texts_of_python("find.py", '"""Return the row with this ID; raise NotFound for an unknown one."""'))
    assert (rate(texts, VAGUE), rate(texts, TELLING)) == (0, 0)


# ------------------------------------------------------------------------------------------------- the names of classes


@dataclass(frozen=True)
class ClassName:
    """A class definition in a module of the package."""

    name: str
    module: str
    is_graphql: bool

    @property
    def is_value_or_row(self) -> bool:
        return self.module.startswith(VALUES_AND_ROWS)


def class_names(module: str, source: str) -> Iterator[ClassName]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            is_graphql = any(re.match(r"strawberry\.(type|input|interface)\b", text) for text in decorators)
            yield ClassName(node.name, module, is_graphql)


def ambiguous_names(classes: list[ClassName]) -> dict[str, list[str]]:
    """Return the names that stand for several classes, each with its modules.

    One pair is allowed: a GraphQL type, by its Strawberry decorator, and the one value of the domain, table row
    or filter of the store that it stands for.
    """
    by_name: dict[str, list[ClassName]] = defaultdict(list)
    for each in classes:
        by_name[each.name].append(each)
    return {
        name: [each.module for each in same]
        for name, same in by_name.items()
        if len(same) > 1 and not _is_type_with_its_value(same)
    }


def _is_type_with_its_value(same: list[ClassName]) -> bool:
    return len(same) == 2 and sorted((each.is_graphql, each.is_value_or_row) for each in same) == [
        (False, True),
        (True, False),
    ]


def test_each_class_name_stands_for_one_class() -> None:
    sources = [(name.removeprefix("src/benegraph/"), source) for name, source in python_files("src")]
    classes = [each for name, source in sources for each in class_names(name, source)]
    assert len(classes) > 100
    assert ambiguous_names(classes) == {}


def test_class_name_check_allows_a_type_and_its_row_alone() -> None:
    graphql_type = list(class_names("graphql/types/people.py", "@strawberry.type(name='X')\nclass Employee: ..."))
    row = list(class_names("db/models/people.py", "class Employee(Base): ..."))
    value = list(class_names("domain/people.py", "@dataclass\nclass Employee: ..."))
    command = list(class_names("cli/people.py", "class Employee: ..."))
    assert ambiguous_names(graphql_type + row) == {}
    assert ambiguous_names(row + value) == {"Employee": ["db/models/people.py", "domain/people.py"]}
    assert ambiguous_names(graphql_type + command) == {"Employee": ["graphql/types/people.py", "cli/people.py"]}
    assert len(ambiguous_names(graphql_type + row + value)["Employee"]) == 3
