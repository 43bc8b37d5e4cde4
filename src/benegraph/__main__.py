"""`python -m benegraph`."""

from benegraph.cli import app

app(prog_name="benegraph")
