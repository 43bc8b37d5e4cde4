"""What `serve` prints once it serves: what a newcomer needs first comes first, and every line can be pasted."""

import json
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from benegraph.cli.demo import Samples

QUERY = """
query($id: ID!) {
  employee(id: $id) {
    firstName lastName
    enrollments(filter: { status: [PENDING, ENROLLED] }) {
      nodes { id status coverageTier coverageStartDate benefitProduct { name } selectedPlan { name } }
    }
  }
}
"""
ELECT = """
mutation($input: ElectInput!) {
  elect(input: $input) {
    enrollments { id status coverageTier coverageStartDate selectedPlan { name } employeeContributionCents }
    userErrors { code message field }
  }
}
"""


def show_demo(samples: Samples, directory: Path) -> None:
    """Show where the explorer is, the keys and two calls."""
    page = _Page()
    page.say("benegraph is serving a demo of made-up people. Open", _explorer_of(samples.url), "in a browser")
    page.say("or ask", samples.url)
    page.head("Keys", "send one as Authorization: Bearer …, or as X-API-Key")
    for name, key in samples.keys.items():
        page.say(f"  {name:<15}", key)
    page.head("Employee → Enrollments → Plans", "as the employee")
    page.paste(_curl(samples.url, samples.keys["employee"], QUERY, {"id": samples.employee_id}))
    if samples.election is not None:
        page.head("elect", "as the employee; pasted twice, it counts once")
        page.paste(_curl(samples.url, samples.keys["employee"], ELECT, {"input": samples.election}))
    page.head("Ctrl-C ends it.", f"All of this is in {directory / 'demo.json'}; to begin afresh, delete the directory.")


def show_plain(url: str, *, embedded: bool) -> None:
    """Show the URL; over an embedded database also how to come by a key."""
    page = _Page()
    page.say("benegraph is serving at", url)
    page.say("with an explorer for browsers at", _explorer_of(url))
    if embedded:
        page.head("A first key", "shown once, by")
        page.paste("benegraph keys issue --tenant acme --create-tenant Acme --role administrator")


class _Page:
    def __init__(self) -> None:
        # Wrapping is the terminal's business: a line that we broke would be pasted broken.
        self._console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

    def say(self, what: str, value: str, rest: str = "") -> None:
        self._console.print(Text.assemble(what, " ", (value, "bold cyan"), f" {rest}".rstrip()))

    def head(self, title: str, remark: str) -> None:
        self._console.print(Text.assemble("\n", (title, "bold"), "  ", (remark, "dim")))

    def paste(self, line: str) -> None:
        self._console.print(Text(line))


def _explorer_of(url: str) -> str:
    return url.rpartition("/")[0] + "/"


def _curl(url: str, key: str, query: str, variables: dict[str, Any] | None = None) -> str:
    body = {"query": " ".join(query.split())} | ({"variables": variables} if variables else {})
    text = json.dumps(body, separators=(",", ":"))
    headers = (f"Authorization: Bearer {key}", "Content-Type: application/json")
    words = ["curl", "-sS", "-w", "\\n", url, *(word for header in headers for word in ("-H", header)), "-d", text]
    return shlex.join(words)
