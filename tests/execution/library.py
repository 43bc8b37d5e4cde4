"""A library of books, the graph that shows it, and what each field of that graph is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, build_schema

from benegraph.execution import (
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    Declare,
    FromContext,
    Lookup,
    LookupKey,
    LookupMany,
    MutationCall,
    Row,
    SameObject,
    ToMany,
    ToManyByKeys,
    ToOne,
    ToPage,
    UnsupportedOperation,
)

#: The size of a page that nobody gave a size.
USUAL = 3

PAGES = "".join(
    f"""
type {kind}s {{ nodes: [{kind}!]! edges: [{kind}Edge!]! pageInfo: PageInfo! totalCount: Int! }}
type {kind}Edge {{ cursor: String! node: {kind}! }}
"""
    for kind in ("Author", "Book")
)

GRAPH = build_schema(
    """
interface Entry { id: ID! name: String! }
enum Genre { NOVEL POEMS STORIES }
scalar Weight
input Which { genres: [Genre] since: Int = 0 but: Which }
input NewBook { id: ID! title: String! authorId: ID genre: Genre = NOVEL }

type Query {
  visitor: Visitor
  host: Visitor!
  entry(id: ID!): Entry
  certainEntry(id: ID!): Entry!
  entries(ids: [ID!]!): [Entry]
  certainEntries(ids: [ID!]!): [Entry!]
  book(id: ID!): Book
  books(first: Int, after: String, which: Which): Books
  authors(first: Int = 4, after: String): Authors!
}
type Mutation {
  addBook(book: NewBook!): Added
  removeBook(id: ID!): Removed!
}
type Subscription { added: Book }

type Author implements Entry {
  id: ID!
  name: String!
  born: Int
  initials: String!
  mentor: Author
  books: [Book!]!
  works(first: Int, after: String, which: Which): Books!
}
type Book implements Entry {
  id: ID!
  name: String!
  subtitle: String
  genre: Genre!
  year: Int!
  keywords: [String!]
  weight: Weight
  author: Author
  publisher: Publisher!
  cover: Cover!
  size: Size
  chapters: [Chapter!]
  stock(at: String = "here"): Int
  loans: Int!
  copies: [Copy!]
}
type Cover { text: String! line: String book: Book! }
type Size { pages: Int! hours: Int! }
type Chapter { heading: String! }
type Copy { number: Int! shelf: Shelf }
type Publisher implements Entry {
  id: ID!
  name: String!
  list(first: Int, after: String, which: Which): Books
}
type Shelf implements Entry {
  id: ID!
  name: String!
  content: [Book]
  treasures: [Book!]
}
type Visitor {
  name: String!
  card: Card
  cards: [Card!]
  reading: Book
  favourites: [Book]
  own: [Book!]
  shelf: Shelf!
  works(first: Int, after: String): Books!
}
type Card { number: Int! note: String }
type Added { book: Book note: String! }
type Removed { id: ID! author: Author }

type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
"""
    + PAGES
)


# --------------------------------------------------------------------------------------------------------------- rows

Record = dict[str, Any]

#: Of each table the columns, and whether they may be null.
COLUMNS: Mapping[str, Mapping[str, bool]] = {
    "authors": {"id": False, "name": False, "born": True, "mentor_id": True},
    "books": {
        "id": False,
        "title": False,
        "subtitle": True,
        "genre": True,  # though no book in the graph may lack one
        "year": False,
        "keywords": True,
        "weight": True,
        "author_id": True,
        "publisher_id": True,
        "pages": True,
        "contents": True,
    },
    "publishers": {"id": False, "name": False},
    "shelves": {"id": False, "name": False, "content_ids": True, "treasure_ids": True},
}


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The rows of a table, by the column that holds their key; without one, all of them. `paged`: a page of each key.

    It stands in the order of the table; a page, by title or name.
    """

    table: str
    by: str | None = "id"
    paged: bool = False


AUTHOR, BOOK, PUBLISHER, SHELF = (Source(table) for table in COLUMNS)
BOOKS_OF_AUTHOR = Source("books", "author_id")
WORKS_OF_AUTHOR = Source("books", "author_id", paged=True)
LIST_OF_PUBLISHER = Source("books", "publisher_id", paged=True)
BOOKS = Source("books", None, paged=True)
AUTHORS = Source("authors", None, paged=True)
ENTRIES = {"Author": AUTHOR, "Book": BOOK, "Publisher": PUBLISHER, "Shelf": SHELF}


class Size(NamedTuple):
    """An object that is a tuple, and yet no list."""

    pages: int | None


@dataclass(frozen=True, slots=True)
class Chapter:
    heading: str | None


@dataclass(frozen=True, slots=True)
class Copy:
    number: int
    shelf_id: str | None


@dataclass(frozen=True, slots=True)
class Card:
    number: int | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    name: str | None = "Ada"
    card: Card | None = None
    cards: Sequence[Card | None] | None = None
    book_id: str | None = None
    favourite_ids: Sequence[str] | None = None
    author_id: str | None = "a1"
    shelf_id: str = "s1"


@dataclass(slots=True)
class Library:
    """Everything that a request sees."""

    tables: dict[str, list[Record]]
    visitor: Visitor | None = field(default_factory=Visitor)
    #: What is known of some books by their ids; an exception for one of which it can't be told.
    stock: dict[str, Any] = field(default_factory=dict)
    loans: dict[str, Any] = field(default_factory=dict)
    copies: dict[str, Any] = field(default_factory=dict)


def author(id: str, name: str, born: int | None = None, mentor_id: str | None = None) -> Record:
    return {"id": id, "name": name, "born": born, "mentor_id": mentor_id}


def book(id: str, title: str, author_id: str | None = "a1", publisher_id: str | None = "p1", **more: Any) -> Record:
    row = dict.fromkeys(COLUMNS["books"]) | {"genre": "NOVEL", "year": 1900}
    return row | {"id": id, "title": title, "author_id": author_id, "publisher_id": publisher_id} | more


def shelf(id: str, name: str, content_ids: Any = None, treasure_ids: Any = None) -> Record:
    return {"id": id, "name": name, "content_ids": content_ids, "treasure_ids": treasure_ids}


def library(**changed: Mapping[str, Mapping[str, Any]]) -> Library:
    """Make a library in which nothing is amiss, but for what is changed: by the table and the id."""
    tables = {
        "authors": [
            author("a1", "Jane Austen", 1775),
            author("a2", "Jorge Luis Borges", 1899, "a1"),
            author("a3", "Anne Carson", None, "a2"),
        ],
        "books": [
            book("b1", "Persuasion", year=1817, pages=249),
            book("b2", "Emma", subtitle="A Novel", year=1815, pages=474, keywords=["match", "Surrey"]),
            book("b3", "Sanditon", year=1817, pages=90),
            book("b4", "Ficciones", "a2", "p2", genre="STORIES", year=1944, contents=["Tlön", "Pierre Menard"]),
            book("b5", "El Aleph", "a2", "p2", genre="STORIES", year=1949, contents=[]),
            book("b6", "Nox", "a3", "p2", genre="POEMS", year=2010),
            book("b7", "Beowulf", None, "p1", genre="POEMS", year=1000),
        ],
        "publishers": [{"id": "p1", "name": "John Murray"}, {"id": "p2", "name": "Emecé"}],
        "shelves": [
            shelf("s1", "By the window", ["b6", "b2", "b6"], ["b1"]),
            shelf("s2", "In the cellar", [], []),
            shelf("s3", "On paper"),
        ],
    }
    for table, rows in changed.items():
        for id, values in rows.items():
            next(row for row in tables[table] if row["id"] == id).update(values)
    ids = [row["id"] for row in tables["books"]]
    return Library(tables, stock=dict.fromkeys(ids, 2), loans=dict.fromkeys(ids, 0), copies={id: [] for id in ids})


def full_library(authors: int, books: int) -> Library:
    """Make a library of many authors, each of whom wrote so many books, and each mentored by the one before."""
    numbers = range(authors)
    titles = [(n, m) for n in numbers for m in range(books)]
    return Library(
        {
            "authors": [author(f"a{n}", f"Author {n:03}", n, f"a{n - 1}" if n else None) for n in numbers],
            "books": [book(f"b{n}.{m}", f"Book {n:03}.{m}", f"a{n}", f"p{n}") for n, m in titles],
            "publishers": [{"id": f"p{n}", "name": f"Publisher {n:03}"} for n in numbers],
            "shelves": [],
        }
    )


# ------------------------------------------------------------------------------------------------------------ windows


@dataclass(frozen=True, slots=True)
class Window:
    """So many rows from a place on, of those that are chosen."""

    first: int
    after: tuple[str, str] | None
    genres: tuple[str, ...] | None = None
    since: int = 0

    @property
    def has_previous_page(self) -> bool:
        return self.after is not None

    def encode_cursor(self, values: Row) -> str:
        return "/".join(values)

    def chosen(self, rows: Sequence[Record]) -> list[Record]:
        return [
            row
            for row in rows
            if (self.genres is None or row["genre"] in self.genres) and ("year" not in row or row["year"] >= self.since)
        ]

    def page(self, rows: Sequence[Record]) -> list[Record]:
        """Choose the rows of the page, and one more where the list goes on."""
        later = [row for row in self.chosen(rows) if self.after is None or place_of(row) > self.after]
        return sorted(later, key=place_of)[: self.first + 1]


def place_of(row: Record) -> tuple[str, str]:
    return row.get("title") or row["name"], row["id"]


def window_of(arguments: Mapping[str, Any]) -> Window:
    """Tell which page is meant. Raises ValueError for one that can't be."""
    first = arguments.get("first")
    if first is None:
        first = USUAL
    if first < 0:
        raise ValueError("A page has no less than 0 rows.")
    after, which = arguments.get("after"), arguments.get("which") or {}
    if after is not None and "/" not in after:
        raise ValueError("That names no place.")
    genres = which.get("genres")
    title, _, id = (after or "").rpartition("/")
    return Window(first, after and (title, id), genres and tuple(genres), which.get("since") or 0)


# ------------------------------------------------------------------------------------------------------- declarations


def target_of(_context: Any, arguments: Mapping[str, Any]) -> LookupKey | None:
    target = target_by(arguments["id"])
    if isinstance(target, Exception):
        raise target
    return target


def target_by(id: str) -> LookupKey | LookupError | None:
    kinds = {kind[0].lower(): kind for kind in ENTRIES}
    if not id:
        return None
    return LookupKey(kinds[id[0]], id) if id[0] in kinds else LookupError(f"{id} is nobody's id.")


def targets_of(_context: Any, arguments: Mapping[str, Any]) -> list[LookupKey | Exception | None]:
    if not arguments["ids"]:
        raise ValueError("There is nothing to look for.")
    return [target_by(id) for id in arguments["ids"]]


def known(what: str) -> ComputedInBatch:
    """Look up what the library knows of books by their ids; nothing is known of them anywhere else."""

    async def load(reader: Any, parents: Sequence[Any], arguments: Mapping[str, Any]) -> Sequence[Any]:
        if arguments.get("at") not in {None, "here"}:
            raise LookupError(f"There is no library at {arguments['at']}.")
        found = await reader.known(what, [parent.id for parent in parents])
        return [found.get(parent.id) for parent in parents]

    return ComputedInBatch(load, ("id",))


@dataclass(frozen=True, slots=True)
class Added:
    book_id: str
    note: str | None


async def add_book(context: Library, arguments: Mapping[str, Any]) -> Added | None:
    given = arguments["book"]
    books = context.tables["books"]
    if any(row["id"] == given["id"] for row in books):
        raise ValueError(f"{given['id']} is here already.")
    if not given["title"]:
        return None
    books.append(book(given["id"], given["title"], given.get("authorId"), genre=given["genre"]))
    return Added(given["id"], None if given["title"] == "Untitled" else f"That makes {len(books)}.")


@dataclass(frozen=True, slots=True)
class Removed:
    id: str
    author_id: str | None


async def remove_book(context: Library, arguments: Mapping[str, Any]) -> Removed:
    books = context.tables["books"]
    for row in books:
        if row["id"] == arguments["id"]:
            books.remove(row)
            return Removed(row["id"], row["author_id"])
    raise LookupError(f"{arguments['id']} is not here.")


def initials(author: Any) -> str:
    return "".join(word[0] for word in author.name.split())


def size(book: Any) -> Size | None:
    return None if book.pages is None else Size(book.pages)


def chapters(book: Any) -> list[Chapter | None] | None:
    """Give a book's chapters: null for one that is lost, and without a heading where that is empty."""
    if book.contents is None:
        return None
    return [None if heading is None else Chapter(heading or None) for heading in book.contents]


def page(source: Source, key: str | None = None) -> ToPage:
    return ToPage(source, key, window_of, USUAL)


DECLARED: Mapping[str, Declaration] = {
    "Query.visitor": FromContext(lambda context: context.visitor),
    "Query.host": FromContext(lambda context: context.visitor),
    "Query.entry": Lookup(ENTRIES, target_of),
    "Query.certainEntry": Lookup(ENTRIES, target_of),
    "Query.entries": LookupMany(ENTRIES, targets_of),
    "Query.certainEntries": LookupMany(ENTRIES, targets_of),
    "Query.book": Lookup({"Book": BOOK}, lambda _context, arguments: LookupKey("Book", arguments["id"])),
    "Query.books": page(BOOKS),
    "Query.authors": page(AUTHORS),
    "Mutation.addBook": MutationCall(add_book),
    "Mutation.removeBook": MutationCall(remove_book),
    "Author.initials": Computed(initials, ("name",)),
    "Author.mentor": ToOne(AUTHOR, "mentor_id"),
    "Author.books": ToMany(BOOKS_OF_AUTHOR, "id"),
    "Author.works": page(WORKS_OF_AUTHOR, "id"),
    "Book.name": Column("title"),
    "Book.author": ToOne(AUTHOR, "author_id"),
    "Book.publisher": ToOne(PUBLISHER, "publisher_id"),
    "Book.cover": SameObject(),
    "Book.size": Computed(size, ("pages",)),
    "Book.chapters": Computed(chapters, ("contents",)),
    "Book.stock": known("stock"),
    "Book.loans": known("loans"),
    "Book.copies": known("copies"),
    "Cover.text": Column("title"),
    "Cover.line": Column("subtitle"),
    "Cover.book": SameObject(),
    "Size.hours": Computed(lambda size: size.pages // 40, ("pages",)),
    "Copy.shelf": ToOne(SHELF, "shelf_id"),
    "Publisher.list": page(LIST_OF_PUBLISHER, "id"),
    "Shelf.content": ToManyByKeys(BOOK, "content_ids"),
    "Shelf.treasures": ToManyByKeys(BOOK, "treasure_ids"),
    "Visitor.reading": ToOne(BOOK, "book_id"),
    "Visitor.favourites": ToManyByKeys(BOOK, "favourite_ids"),
    "Visitor.own": ToMany(BOOKS_OF_AUTHOR, "author_id"),
    "Visitor.shelf": ToOne(SHELF, "shelf_id"),
    "Visitor.works": page(WORKS_OF_AUTHOR, "author_id"),
    "Added.book": ToOne(BOOK, "book_id"),
    "Removed.author": ToOne(AUTHOR, "author_id"),
}


def declare_by(graph: GraphQLSchema, declared: Mapping[str, Declaration]) -> Declare:
    """Declare fields by `Type.field`; all others beneath the operation's own are columns of their names."""

    def declare(kind: GraphQLObjectType, found: GraphQLField) -> Declaration:
        name = next(name for name, each in kind.fields.items() if each is found)
        declaration = declared.get(f"{kind.name}.{name}")
        if declaration is None and kind in {graph.query_type, graph.mutation_type}:
            raise UnsupportedOperation("resolver")
        return declaration or Column(name)

    return declare
