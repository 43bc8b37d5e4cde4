"""The spinner that shows on a terminal what a command is doing."""

from rich.console import Console
from rich.status import Status


def show_status(text: str) -> Status:
    """Return a context in which a spinner is shown on standard error; nothing is shown if that is not a terminal."""
    return Console(stderr=True).status(f"{text} …")
