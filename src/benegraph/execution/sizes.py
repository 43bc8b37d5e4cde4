"""Sizes: how much is reckoned to be read. That decides what is read together, and what by a statement of its own."""

from benegraph.execution.arguments import Called
from benegraph.execution.declarations import ToPage

#: Up to so many parents, what is beneath them is read within their own statement: an index look-up each then costs
#: less than more turns to the database.
FOLDED_WITHIN = 128
#: Up to so many parents that come as rows, lists beneath them that the host can write are written within their own
#: statement. Beneath what is written itself, all that can be is written.
WRITTEN_WITHIN = 1000
#: How long a short list is reckoned to be, and how many things are looked up at once.
SHORT = 5
#: What a change may take in turns to the store, reading included: more than any does.
LONG = 1000


def size_of(declaration: ToPage, called: Called) -> int:
    """Tell how many rows a page is reckoned to hold."""
    size = called.number("first")
    return declaration.usual if size is None else size
