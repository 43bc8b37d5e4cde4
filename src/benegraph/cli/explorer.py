"""`explorer build`: GraphiQL's bundle, made ahead of the first `serve`, for a wheel, an image or this machine."""

from pathlib import Path

import typer

from benegraph.cli.errors import in_one_line, run
from benegraph.settings import Settings
from benegraph.web.explorer import bundle


@in_one_line
def build(directory: Path | None) -> None:
    cache = Settings.from_environment().cache_home
    place = run(bundle.build(cache, lambda step: typer.echo(f"{step} …", err=True)))
    if directory is not None:
        bundle.install(place, directory.absolute())
        place = directory
    typer.echo(f"The explorer is in {place}")
