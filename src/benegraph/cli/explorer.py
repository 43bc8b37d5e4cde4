"""`explorer build`: bundle the pages before the first `serve`, into the cache or into a directory."""

from pathlib import Path

import typer

from benegraph.cli.errors import report_errors, run_async
from benegraph.settings import Settings
from benegraph.web.pages import bundle


@report_errors
def build(directory: Path | None) -> None:
    cache = Settings.from_environment().cache_home
    location = run_async(bundle.build(cache, lambda progress: typer.echo(f"{progress.step} …", err=True)))
    if directory is not None:
        bundle.install(location, directory.absolute())
        location = directory
    typer.echo(f"The pages are in {location}")
