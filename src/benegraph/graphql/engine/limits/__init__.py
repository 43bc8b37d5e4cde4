"""Limits: what one request may ask at most, judged on its document before anything of it is executed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may hold, and one operation ask for."""

    tokens: int = 2000
    #: Fields of a document, its fragments written out wherever they are spread.
    fields: int = 5000
    #: Levels of fields, the deepest leaf counted; and of lists within lists.
    depth: int = 12
    list_depth: int = 4
    aliases: int = 30
    root_fields: int = 20
    mutations: int = 10
    directives: int = 20
    #: How often one name may be answered to in one place.
    duplicates: int = 20
    #: Objects that an operation may come to, as its page sizes multiply.
    cost: int = 20_000
    #: Seconds that a query, and a mutation, may take as a whole.
    query_seconds: float = 10.0
    mutation_seconds: float = 30.0
