"""A small host of the executor: a library of books, its GraphQL schema, and the declaration of each field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

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
    ToOneOf,
    ToPage,
    UnsupportedOperation,
)

DEFAULT_PAGE_SIZE = 3

CONNECTION_TYPES = "".join(
    f"""
type {node}s {{ nodes: [{node}!]! edges: [{node}Edge!]! pageInfo: PageInfo! totalCount: Int! }}
type {node}Edge {{ cursor: String! node: {node}! }}
"""
    for node in ("Author", "Book")
)

SCHEMA = build_schema(
    """
interface Entry { id: ID! name: String! }
enum Genre { NOVEL POEMS STORIES }
scalar Weight
input BookFilter { genres: [Genre] since: Int = 0 }
input NewBook { id: ID! title: String! authorId: ID genre: Genre = NOVEL }

type Query {
  visitor: Visitor
  requiredVisitor: Visitor!
  entry(id: ID!): Entry
  requiredEntry(id: ID!): Entry!
  entries(ids: [ID!]!): [Entry]
  requiredEntries(ids: [ID!]!): [Entry!]
  book(id: ID!): Book
  books(first: Int, after: String, last: Int, before: String, filter: BookFilter): Books
  authors(first: Int = 4, after: String, last: Int, before: String): Authors!
}
type Mutation {
  addBook(book: NewBook!): AddedBook
  removeBook(id: ID!): RemovedBook!
}
type Subscription { addedBook: Book }

type Author implements Entry {
  id: ID!
  name: String!
  born: Int
  initials: String!
  mentor: Author
  books: [Book!]!
  works(first: Int, after: String, last: Int, before: String, filter: BookFilter): Books!
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
  dedicatee: Entry
  cover: Cover!
  size: Size
  chapters: [Chapter!]
  stock(branch: String = "main"): Int
  loans: Int!
  copies: [Copy!]
}
type Cover { title: String! subtitle: String book: Book! }
type Size { pages: Int! hours: Int! }
type Chapter { heading: String! }
type Copy { number: Int! shelf: Shelf }
type Publisher implements Entry {
  id: ID!
  name: String!
  list(first: Int, after: String, last: Int, before: String, filter: BookFilter): Books
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
  currentBook: Book
  favorites: [Book]
  ownBooks: [Book!]
  shelf: Shelf!
  bookmark: Entry!
  works(first: Int, after: String, last: Int, before: String): Books!
}
type Card { number: Int! note: String }
type AddedBook { book: Book note: String! }
type RemovedBook { id: ID! author: Author }

type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
"""
    + CONNECTION_TYPES
)


# ---------------------------------------------------------------------------------------------------------------- rows

Record = dict[str, Any]

#: The columns of each table, and whether they are nullable.
COLUMNS: Mapping[str, Mapping[str, bool]] = {
    "authors": {"id": False, "name": False, "born": True, "mentor_id": True},
    "books": {
        "id": False,
        "title": False,
        "subtitle": True,
        "genre": True,  # although `Book.genre` is non-null
        "year": False,
        "keywords": True,
        "weight": True,
        "author_id": True,
        "publisher_id": True,
        "dedicatee_id": True,
        "pages": True,
        "contents": True,
    },
    "publishers": {"id": False, "name": False},
    "shelves": {"id": False, "name": False, "content_ids": True, "treasure_ids": True},
}


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The rows of a table by the column that holds their key, or all rows where `key_column` is None.

    Rows come in the order of the table. Where `is_paged`, each key has a page of rows, ordered by title or name.
    """

    table: str
    key_column: str | None = "id"
    is_paged: bool = False


AUTHOR, BOOK, PUBLISHER, SHELF = (Source(table) for table in COLUMNS)
BOOKS_OF_AUTHOR = Source("books", "author_id")
WORKS_OF_AUTHOR = Source("books", "author_id", is_paged=True)
LIST_OF_PUBLISHER = Source("books", "publisher_id", is_paged=True)
BOOKS = Source("books", None, is_paged=True)
AUTHORS = Source("authors", None, is_paged=True)
ENTRIES = {"Author": AUTHOR, "Book": BOOK, "Publisher": PUBLISHER, "Shelf": SHELF}


class Size(NamedTuple):
    """An object that is a tuple, which must not be taken for a list."""

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
    favorite_ids: Sequence[str] | None = None
    author_id: str | None = "a1"
    bookmark_id: str | None = "b2"
    shelf_id: str = "s1"


@dataclass(slots=True)
class Library:
    """All data that a request may read, and its context."""

    tables: dict[str, list[Record]]
    visitor: Visitor | None = field(default_factory=Visitor)
    #: Facts that `fetch_facts` reads, by book ID. An exception is the error of that book's field.
    stock: dict[str, Any] = field(default_factory=dict)
    loans: dict[str, Any] = field(default_factory=dict)
    copies: dict[str, Any] = field(default_factory=dict)


def author_row(id: str, name: str, born: int | None = None, mentor_id: str | None = None) -> Record:
    return {"id": id, "name": name, "born": born, "mentor_id": mentor_id}


def book_row(
    id: str, title: str, author_id: str | None = "a1", publisher_id: str | None = "p1", **columns: Any
) -> Record:
    row = dict.fromkeys(COLUMNS["books"]) | {"genre": "NOVEL", "year": 1900}
    return row | {"id": id, "title": title, "author_id": author_id, "publisher_id": publisher_id} | columns


def shelf_row(id: str, name: str, content_ids: Any = None, treasure_ids: Any = None) -> Record:
    return {"id": id, "name": name, "content_ids": content_ids, "treasure_ids": treasure_ids}


def make_library(**changes: Mapping[str, Mapping[str, Any]]) -> Library:
    """Make a library with rows that satisfy the schema. `changes` sets columns, by table and row ID."""
    tables = {
        "authors": [
            author_row("a1", "Jane Austen", 1775),
            author_row("a2", "Jorge Luis Borges", 1899, "a1"),
            author_row("a3", "Anne Carson", None, "a2"),
        ],
        "books": [
            book_row("b1", "Persuasion", year=1817, pages=249),
            book_row("b2", "Emma", subtitle="A Novel", year=1815, pages=474, keywords=["match", "Surrey"]),
            book_row("b3", "Sanditon", year=1817, pages=90),
            book_row("b4", "Ficciones", "a2", "p2", genre="STORIES", year=1944, contents=["Tlön", "Pierre Menard"]),
            book_row("b5", "El Aleph", "a2", "p2", genre="STORIES", year=1949, contents=[]),
            book_row("b6", "Nox", "a3", "p2", genre="POEMS", year=2010),
            book_row("b7", "Beowulf", None, "p1", genre="POEMS", year=1000),
        ],
        "publishers": [{"id": "p1", "name": "John Murray"}, {"id": "p2", "name": "Emecé"}],
        "shelves": [
            shelf_row("s1", "By the window", ["b6", "b2", "b6"], ["b1"]),
            shelf_row("s2", "In the cellar", [], []),
            shelf_row("s3", "On paper"),
        ],
    }
    for table, rows in changes.items():
        for id, values in rows.items():
            next(row for row in tables[table] if row["id"] == id).update(values)
    ids = [row["id"] for row in tables["books"]]
    return Library(tables, stock=dict.fromkeys(ids, 2), loans=dict.fromkeys(ids, 0), copies={id: [] for id in ids})


def make_large_library(authors: int, books: int) -> Library:
    """Make a library of so many authors with so many books each. The mentor of each author is the previous one."""
    numbers = range(authors)
    titles = [(n, m) for n in numbers for m in range(books)]
    return Library(
        {
            "authors": [author_row(f"a{n}", f"Author {n:03}", n, f"a{n - 1}" if n else None) for n in numbers],
            "books": [book_row(f"b{n}.{m}", f"Book {n:03}.{m}", f"a{n}", f"p{n}") for n, m in titles],
            "publishers": [{"id": f"p{n}", "name": f"Publisher {n:03}"} for n in numbers],
            "shelves": [],
        }
    )


# --------------------------------------------------------------------------------------------------------------- pages


RowT = TypeVar("RowT")
Position = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The rows between two cursors that the filter selects: the first ones, and of these the last ones."""

    first: int | None
    after: Position | None = None
    genres: tuple[str, ...] | None = None
    since: int = 0
    last: int | None = None
    before: Position | None = None

    def select_shown(self, fetched: Sequence[RowT]) -> Sequence[RowT]:
        shown = fetched if self.first is None else fetched[: self.first]
        return shown if self.last is None or len(shown) <= self.last else shown[len(shown) - self.last :]

    def has_previous_page(self, fetched_count: int) -> bool:
        return self.after is not None if self.last is None else fetched_count > self.last

    def has_next_page(self, fetched_count: int) -> bool:
        return self.before is not None if self.first is None else fetched_count > self.first

    def encode_cursor(self, order_key: Row) -> str:
        return "/".join(order_key)

    def filter_rows(self, rows: Sequence[Record]) -> list[Record]:
        return [
            row
            for row in rows
            if (self.genres is None or row["genre"] in self.genres) and ("year" not in row or row["year"] >= self.since)
        ]

    def rows_between(self, rows: Sequence[Record]) -> list[Record]:
        """Return the rows that the filter selects between the cursors, in order."""
        return [
            row
            for row in sorted(self.filter_rows(rows), key=order_key_of)
            if (self.after is None or order_key_of(row) > self.after)
            and (self.before is None or order_key_of(row) < self.before)
        ]

    def page_rows(self, rows: Sequence[Record]) -> list[Record]:
        """Return the rows of the page, and one row more where there is another page."""
        between = self.rows_between(rows)
        if self.first is None:
            return between[max(0, len(between) - (self.last or 0) - 1) :]
        return between[: max(self.first, self.last or 0) + 1]


def order_key_of(row: Record) -> tuple[str, str]:
    return row.get("title") or row["name"], row["id"]


def build_page(arguments: Mapping[str, Any]) -> PageRequest:
    """Build a page request from a field's arguments. Raises ValueError for invalid ones."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        first = DEFAULT_PAGE_SIZE
    for name, size in (("first", first), ("last", last)):
        if size is not None and size < 0:
            raise ValueError(f"{name} must not be negative.")
    book_filter = arguments.get("filter") or {}
    genres = book_filter.get("genres")
    return PageRequest(
        first,
        _parse_cursor("after", arguments.get("after")),
        genres and tuple(genres),
        book_filter.get("since") or 0,
        last,
        _parse_cursor("before", arguments.get("before")),
    )


def _parse_cursor(argument: str, cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    if "/" not in cursor:
        raise ValueError(f"{argument} is not a cursor.")
    title, _, id = cursor.rpartition("/")
    return title, id


# -------------------------------------------------------------------------------------------------------- declarations


def find_key(_context: Any, arguments: Mapping[str, Any]) -> LookupKey | None:
    key = parse_id(arguments["id"])
    if isinstance(key, Exception):
        raise key
    return key


def find_keys(_context: Any, arguments: Mapping[str, Any]) -> list[LookupKey | Exception | None]:
    if not arguments["ids"]:
        raise ValueError("ids must not be empty.")
    return [parse_id(id) for id in arguments["ids"]]


def parse_id(id: str) -> LookupKey | LookupError | None:
    """Return the key of an ID, which starts with the first letter of its type; None for the empty ID."""
    type_names = {name[0].lower(): name for name in ENTRIES}
    if not id:
        return None
    return LookupKey(type_names[id[0]], id) if id[0] in type_names else LookupError(f"No type has the ID {id}.")


def source_of_id(id: str) -> str | None:
    """Return the name of the source that an ID names; None if it names none."""
    key = parse_id(id)
    return key.source_name if isinstance(key, LookupKey) else None


def fact(name: str) -> ComputedInBatch:
    """Declare a field of books that is read by `fetch_facts`. Only the main branch has values."""

    async def load(reader: Any, parents: Sequence[Any], arguments: Mapping[str, Any]) -> Sequence[Any]:
        if arguments.get("branch") not in {None, "main"}:
            raise LookupError(f"There is no branch {arguments['branch']}.")
        facts = await reader.fetch_facts(name, [parent.id for parent in parents])
        return [facts.get(parent.id) for parent in parents]

    return ComputedInBatch(load, ("id",))


@dataclass(frozen=True, slots=True)
class AddedBook:
    book_id: str
    note: str | None


async def add_book(context: Library, arguments: Mapping[str, Any]) -> AddedBook | None:
    """Add a book. An empty title has no payload, and the title "Untitled" has no note, which is non-null."""
    new_book = arguments["book"]
    books = context.tables["books"]
    if any(row["id"] == new_book["id"] for row in books):
        raise ValueError(f"The book {new_book['id']} already exists.")
    if not new_book["title"]:
        return None
    books.append(book_row(new_book["id"], new_book["title"], new_book.get("authorId"), genre=new_book["genre"]))
    return AddedBook(new_book["id"], None if new_book["title"] == "Untitled" else f"There are {len(books)} books.")


@dataclass(frozen=True, slots=True)
class RemovedBook:
    id: str
    author_id: str | None


async def remove_book(context: Library, arguments: Mapping[str, Any]) -> RemovedBook:
    books = context.tables["books"]
    for row in books:
        if row["id"] == arguments["id"]:
            books.remove(row)
            return RemovedBook(row["id"], row["author_id"])
    raise LookupError(f"There is no book {arguments['id']}.")


def initials(author: Any) -> str:
    return "".join(word[0] for word in author.name.split())


def size(book: Any) -> Size | None:
    return None if book.pages is None else Size(book.pages)


def chapters(book: Any) -> list[Chapter | None] | None:
    """Return a book's chapters. A heading of None makes a null chapter, an empty one a chapter without a heading."""
    if book.contents is None:
        return None
    return [None if heading is None else Chapter(heading or None) for heading in book.contents]


def to_page(source: Source, key: str | None = None) -> ToPage:
    return ToPage(source, key, build_page, DEFAULT_PAGE_SIZE)


DECLARATIONS: Mapping[str, Declaration] = {
    "Query.visitor": FromContext(lambda context: context.visitor),
    "Query.requiredVisitor": FromContext(lambda context: context.visitor),
    "Query.entry": Lookup(ENTRIES, find_key),
    "Query.requiredEntry": Lookup(ENTRIES, find_key),
    "Query.entries": LookupMany(ENTRIES, find_keys),
    "Query.requiredEntries": LookupMany(ENTRIES, find_keys),
    "Query.book": Lookup({"Book": BOOK}, lambda _context, arguments: LookupKey("Book", arguments["id"])),
    "Query.books": to_page(BOOKS),
    "Query.authors": to_page(AUTHORS),
    "Mutation.addBook": MutationCall(add_book),
    "Mutation.removeBook": MutationCall(remove_book),
    "Author.initials": Computed(initials, ("name",)),
    "Author.mentor": ToOne(AUTHOR, "mentor_id"),
    "Author.books": ToMany(BOOKS_OF_AUTHOR, "id"),
    "Author.works": to_page(WORKS_OF_AUTHOR, "id"),
    "Book.name": Column("title"),
    "Book.author": ToOne(AUTHOR, "author_id"),
    "Book.publisher": ToOne(PUBLISHER, "publisher_id"),
    "Book.dedicatee": ToOneOf(ENTRIES, "dedicatee_id", source_of_id),
    "Book.cover": SameObject(),
    "Book.size": Computed(size, ("pages",)),
    "Book.chapters": Computed(chapters, ("contents",)),
    "Book.stock": fact("stock"),
    "Book.loans": fact("loans"),
    "Book.copies": fact("copies"),
    "Cover.book": SameObject(),
    "Size.hours": Computed(lambda size: size.pages // 40, ("pages",)),
    "Copy.shelf": ToOne(SHELF, "shelf_id"),
    "Publisher.list": to_page(LIST_OF_PUBLISHER, "id"),
    "Shelf.content": ToManyByKeys(BOOK, "content_ids"),
    "Shelf.treasures": ToManyByKeys(BOOK, "treasure_ids"),
    "Visitor.currentBook": ToOne(BOOK, "book_id"),
    "Visitor.favorites": ToManyByKeys(BOOK, "favorite_ids"),
    "Visitor.ownBooks": ToMany(BOOKS_OF_AUTHOR, "author_id"),
    "Visitor.bookmark": ToOneOf(ENTRIES, "bookmark_id", source_of_id),
    "Visitor.shelf": ToOne(SHELF, "shelf_id"),
    "Visitor.works": to_page(WORKS_OF_AUTHOR, "author_id"),
    "AddedBook.book": ToOne(BOOK, "book_id"),
    "RemovedBook.author": ToOne(AUTHOR, "author_id"),
}


def declare_by(schema: GraphQLSchema, declarations: Mapping[str, Declaration]) -> Declare:
    """Return a function that finds declarations by coordinate. A field without one is a column, except root fields."""

    def declare(object_type: GraphQLObjectType, definition: GraphQLField) -> Declaration:
        name = next(name for name, field in object_type.fields.items() if field is definition)
        declaration = declarations.get(f"{object_type.name}.{name}")
        if declaration is None and object_type in {schema.query_type, schema.mutation_type}:
            raise UnsupportedOperation("resolver")
        return declaration or Column(name)

    return declare
