"""`python -m tests.benchmarks`: builds the world, starts the contenders, sees that they agree, and measures them."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from . import plots, report
from .agreement import Disagreement, agree
from .contenders import CONTENDERS, ContenderError, Running, choose, running
from .curves import cost_by_growth, throughput_by_size
from .load import LoadError, find_wrk
from .measuring import is_postgres, machine, parent_of
from .turns import Field, Pace, Turn, take_turns
from .workloads import WORKLOADS, Workload, cases_of
from .world import World, build, server

CACHE = Path.home() / ".cache/benegraph/benchmarks"
SHORT = Pace(turn=1, longest=2, warm_up=0, connections=4, rounds=1)
#: How many answers a workload are compared before anything is timed.
AGREED, AGREED_IN_SHORT = 25, 5

console = Console(stderr=True, highlight=False)
app = typer.Typer(add_completion=False)


@app.command()
def main(
    *,
    only: Annotated[str | None, typer.Option(help=f"Contenders, by commas, of {', '.join(CONTENDERS)}.")] = None,
    workloads: Annotated[str, typer.Option(help="Workloads, by commas.")] = ",".join(WORKLOADS),
    employees: Annotated[int, typer.Option(help="How many employees the database holds.")] = 20_000,
    rounds: Annotated[int, typer.Option(help="How many rounds.")] = 3,
    seconds: Annotated[int, typer.Option(help="How long a turn is.")] = 4,
    connections: Annotated[int, typer.Option(help="How many requests are under way at once.")] = 16,
    short: Annotated[bool, typer.Option("--short", help="A small world, one round: to see that it works.")] = False,
    json: Annotated[Path | None, typer.Option(help="Where to write the figures.")] = None,
    plot: Annotated[Path | None, typer.Option(help="A directory to draw curves in, which takes minutes more.")] = None,
    data_dir: Annotated[Path, typer.Option(help="Where the embedded PostgreSQL keeps its data.")] = CACHE,
    server_url: Annotated[str | None, typer.Option(help="Another PostgreSQL, by its superuser's URL.")] = None,
) -> None:
    """Measure the gateway beside its peers, on one database, under the same row-level security."""
    pace = SHORT if short else Pace(turn=seconds, connections=connections, rounds=rounds)
    chosen = [WORKLOADS[name] for name in workloads.split(",")]
    curves: dict[str, Any] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or the servers we have started would stay
    with _told(), server(server_url, data_dir) as url, tempfile.TemporaryDirectory(prefix="benegraph-") as place:
        find_wrk()
        contenders = choose(only.split(",") if only else None, _whisper)
        world = build(url, 1000, pending=5000) if short else build(url, employees)
        with running(contenders, world, Path(place)) as started:
            field = _prepare(started, world, chosen, Path(place), AGREED_IN_SHORT if short else AGREED)
            turns = list(take_turns(started, chosen, field, pace, _tell))
            if plot is not None:
                curves["sizes"] = throughput_by_size(started, field, pace, _whisper)
        if plot is not None:
            curves["growth"] = cost_by_growth(url, field.postmaster, field.place, pace, _whisper)
            plots.write(plot, **curves)
    ratios = report.ratios_of(turns)
    report.show(turns, ratios, contenders, Console(width=None if sys.stdout.isatty() else 132))
    if json is not None:
        agreed = {name: len(answers) for name, answers in field.answers.items()}
        setting = {"pace": asdict(pace), "contenders": {each.name: each.set_up for each in contenders}}
        figures = report.whole(turns, ratios, machine(), **setting, agreed=agreed, **curves)
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _prepare(
    contenders: Sequence[Running], world: World, workloads: Sequence[Workload], place: Path, most: int
) -> Field:
    """Gather what turns need, and see that all contenders agree."""

    async def whole() -> Field:
        connection = await world.connect()
        try:
            backend = await connection.fetchval("SELECT pg_backend_pid()")
            postmaster = parent_of(backend) if is_postgres(backend) else None
            cases = {each.name: await cases_of(connection, world.tenant, each) for each in WORKLOADS.values()}
        finally:
            await connection.close()
        answers = {}
        for workload in workloads:
            asked = cases[workload.name][:most]
            answers[workload.name] = await agree(contenders, world, workload, asked)
            _whisper(f"{workload.name}: {', '.join(each.name for each in contenders)} agree on {len(asked)} answers")
        return Field(world, postmaster, cases, answers, place)

    return asyncio.run(whole())


def _tell(turn: Turn) -> None:
    _whisper(f"{turn.round}  {turn.workload}  {turn.contender:<12} {turn.rate:>8,.0f} req/s")


def _whisper(words: str) -> None:
    console.print(words, style="dim", markup=False)


@contextmanager
def _told() -> Iterator[None]:
    """Say in a sentence why there are no figures."""
    try:
        yield
    except (ContenderError, Disagreement, LoadError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error


app()
