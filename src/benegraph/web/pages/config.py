"""The configuration of the pages: the viewers a visitor may choose from, and the tabs."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

_WELCOME = """\
# Employee → Enrollments → Plans.
#
# Sign in with an API key in the bar above.
# The key stays in this page and is never stored.
#
#   Ctrl-Enter   runs the query
#   Ctrl-Space   completes a name
#
# On the left, the book icon opens the documentation;
# the folder icon opens a tree of fields to select.

query Welcome {
  viewer {
    tenant
    role
  }
}
"""


@dataclass(frozen=True, slots=True)
class Persona:
    """A viewer of the demo that a visitor may choose, with its API key."""

    name: str
    label: str
    key: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Tab:
    """An operation and its variables. The operation's name is the title of the tab."""

    query: str
    variables: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PagesConfig:
    """The page's viewers and tabs. Without personas, visitors sign in with an API key of their own."""

    personas: tuple[Persona, ...] = ()
    tabs: tuple[Tab, ...] = (Tab(_WELCOME),)

    @property
    def edition(self) -> str:
        """Return a name for these tabs. Browsers store their tabs by edition, so old tabs never replace new ones."""
        if not self.personas:
            return "gateway"
        tabs = orjson.dumps([asdict(tab) for tab in self.tabs], option=orjson.OPT_SORT_KEYS)
        return f"demo-{hashlib.sha256(tabs).hexdigest()[:12]}"

    def as_json(self, endpoint: str) -> dict[str, Any]:
        return {
            "edition": self.edition,
            "endpoint": endpoint,
            "viewers": [asdict(persona) for persona in self.personas],
            "tabs": [asdict(tab) for tab in self.tabs],
        }
