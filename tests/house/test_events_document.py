"""The document on events lists every event type with its meaning and its audience."""

import re
from pathlib import Path

from benegraph.domain.event_types import EVENT_TYPES, Audience

DOCUMENT = Path(__file__).parents[2] / ".github/docs/events.md"
ROW = re.compile(r"^\| `([\w.]+)` \| (.+) \| (\w+) \|$", re.MULTILINE)
AUDIENCES = {Audience.EMPLOYEES: "employees", Audience.EMPLOYERS: "employers", Audience.TENANT: "tenant"}


def test_document_lists_the_event_types_in_order() -> None:
    listed = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    expected = [(each.name, each.description, AUDIENCES[each.audience]) for each in EVENT_TYPES]
    missing = "\n".join(
        f"| `{name}` | {text} | {audience} |"
        for name, text, audience in expected
        if (name, text, audience) not in listed
    )
    assert listed == expected, (
        f"the table in .github/docs/events.md differs from the list; it lacks the rows\n{missing}"
    )
