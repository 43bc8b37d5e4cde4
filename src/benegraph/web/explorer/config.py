"""How the page opens: as whom one may ask, and what stands in its tabs."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

_WELCOME = """\
# Employee → Enrollments → Plans.
#
# Sign in with a key, in the bar above. It
# stays in this page, and is gone with it.
#
#   Ctrl-Enter   runs the query
#   Ctrl-Space   completes a name
#
# On the left the book opens the documentation,
# the folder an explorer to tick fields in.

query Welcome {
  viewer {
    tenant
    role
  }
}
"""


@dataclass(frozen=True, slots=True)
class Persona:
    """Someone a visitor may be, with the key to be it."""

    name: str
    label: str
    key: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Tab:
    """An operation, whose name is the tab's title, and its variables."""

    query: str
    variables: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ExplorerConfig:
    """What the page is told when it opens. Without personas its visitors bring a key of their own."""

    personas: tuple[Persona, ...] = ()
    tabs: tuple[Tab, ...] = (Tab(_WELCOME),)

    @property
    def edition(self) -> str:
        """Name the tabs by what they hold: what a browser keeps of others is not shown in their place."""
        if not self.personas:
            return "gateway"
        tabs = orjson.dumps([asdict(tab) for tab in self.tabs], option=orjson.OPT_SORT_KEYS)
        return f"demo-{hashlib.sha256(tabs).hexdigest()[:12]}"

    def told(self, endpoint: str) -> dict[str, Any]:
        return {
            "edition": self.edition,
            "endpoint": endpoint,
            "viewers": [asdict(persona) for persona in self.personas],
            "tabs": [asdict(tab) for tab in self.tabs],
        }
