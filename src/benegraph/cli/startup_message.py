"""The message that `serve` prints once it accepts requests. Every command in it can be pasted into a shell."""

import json
import shlex
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from benegraph.cli.demo import DEMO_FILE, DemoInfo

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


def print_demo_message(info: DemoInfo, directory: Path, today: date) -> None:
    """Print the URLs, the API keys, two example requests, and on which date the demo is, if that is not `today`."""
    message = _Message()
    message.print_value("The benegraph demo is running with sample data. Open", _home_url(info.url), "in a browser")
    message.print_value("or send GraphQL requests to", info.url)
    message.print_heading("API keys", "send one in the header Authorization: Bearer … or X-API-Key")
    for name, key in info.keys.items():
        message.print_value(f"  {name:<15}", key)
    message.print_heading("Query: Employee → Enrollments → Plans", "with the employee's key")
    message.print_command(_curl(info.url, info.keys["employee"], QUERY, {"id": info.ids.employee_id}))
    if info.election is not None:
        message.print_heading("Mutation: elect", "with the employee's key; repeating it changes nothing")
        message.print_command(_curl(info.url, info.keys["employee"], ELECT, {"input": info.election}))
    message.print_heading(
        "Ctrl-C stops the demo.",
        f"The URL and the keys are also in {directory / DEMO_FILE}; delete the directory to start over.",
    )
    if not info.ids.matches_seed:
        message.print_remark("Another version of benegraph generated the data: its IDs are not those of the README.")
    if info.today != info.ids.generated_for:
        message.print_remark(
            f"The demo's date is {info.today}, but its data was generated for {info.ids.generated_for}:"
            " windows that should be open may be closed."
        )
    elif info.today != today:
        message.print_remark(f"The demo's date is still {info.today}, for which its data was generated.")
    elif info.ids.matches_seed:
        return
    message.print_remark("To start over, stop the demo and delete its data, your changes included:")
    message.print_command(shlex.join(["rm", "-r", str(directory)]))


def print_message(url: str, issue_command: str | None, *, has_home_page: bool = True) -> None:
    """Print the URLs and, for an embedded database, the command that issues a first API key."""
    message = _Message()
    message.print_value("benegraph accepts GraphQL requests at", url)
    if has_home_page:
        message.print_value("Open the home page in a browser at", _home_url(url))
    if issue_command is not None:
        message.print_heading("Issue a first API key with", "it is shown only once")
        message.print_command(issue_command)


class _Message:
    def __init__(self) -> None:
        # The terminal wraps long lines. A line wrapped here would be pasted with its line breaks.
        self._console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

    def print_value(self, text: str, value: str, rest: str = "") -> None:
        self._console.print(Text.assemble(text, " ", (value, "bold cyan"), f" {rest}".rstrip()))

    def print_heading(self, title: str, remark: str) -> None:
        self._console.print(Text.assemble("\n", (title, "bold"), "  ", (remark, "dim")))

    def print_remark(self, text: str) -> None:
        self._console.print(Text(text, "dim"))

    def print_command(self, line: str) -> None:
        self._console.print(Text(line))


def _home_url(url: str) -> str:
    return url.rpartition("/")[0] + "/"


def _curl(url: str, key: str, query: str, variables: dict[str, Any] | None = None) -> str:
    body = {"query": " ".join(query.split())} | ({"variables": variables} if variables else {})
    text = json.dumps(body, separators=(",", ":"))
    headers = (f"Authorization: Bearer {key}", "Content-Type: application/json")
    options = [option for header in headers for option in ("-H", header)]
    return shlex.join(["curl", "-sS", "-w", "\\n", url, *options, "-d", text])
