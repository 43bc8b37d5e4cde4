"""Limits on the document, cost and duration of one request."""

from dataclasses import dataclass

from benegraph.domain.errors import TooComplex

#: How many errors of its document or its variables one response reports.
MAX_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one document may contain, and that one operation may cost and take."""

    tokens: int = 2000
    #: Fields of a document, counting those of a fragment wherever it is spread.
    fields: int = 5000
    #: How deep fields are nested, leaves included.
    depth: int = 12
    #: How deep lists are nested within lists.
    list_depth: int = 4
    aliases: int = 30
    root_fields: int = 20
    mutations: int = 10
    directives: int = 20
    #: How many times one selection set selects the same response name.
    duplicates: int = 20
    #: Objects that an operation may return, with page sizes multiplied.
    cost: int = 20_000
    #: Seconds that a query, and a mutation, may take as a whole.
    query_seconds: float = 10.0
    mutation_seconds: float = 30.0


def limit_error(name: str, maximum: int, message: str) -> TooComplex:
    """Return the error for a request that exceeds a limit, with the limit's name and value in its extensions."""
    return TooComplex(message, {"limit": {"name": name, "maximum": maximum}})
