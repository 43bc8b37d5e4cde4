"""`python -m tests.benchmarks`: build the database, start the contenders, compare their responses, and measure them."""

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
from .agreement import Disagreement, check_agreement
from .contenders import CONTENDERS, ContenderError, RunningContender, run_contenders, select_contenders
from .curves import cost_by_growth, throughput_by_size
from .load import LoadError, find_wrk
from .measuring import describe_machine, is_postgres, parent_of
from .turns import BenchmarkSetup, Pace, Turn, run_turns
from .workloads import WORKLOADS, Workload, load_cases
from .world import World, build_world, postgres_server

CACHE = Path.home() / ".cache/benegraph/benchmarks"
SHORT = Pace(turn=1, max_turn=2, warm_up=0, connections=4, rounds=1)
#: The number of responses of each workload that are compared before the measurement, in full and short form.
COMPARED, COMPARED_IN_SHORT = 25, 5

console = Console(stderr=True, highlight=False)
app = typer.Typer(add_completion=False)


@app.command()
def main(
    *,
    only: Annotated[str | None, typer.Option(help=f"Contenders, separated by commas: {', '.join(CONTENDERS)}.")] = None,
    workloads: Annotated[str, typer.Option(help="Workloads, separated by commas.")] = ",".join(WORKLOADS),
    employees: Annotated[int, typer.Option(help="The number of employees in the database.")] = 20_000,
    rounds: Annotated[int, typer.Option(help="The number of rounds.")] = 3,
    seconds: Annotated[int, typer.Option(help="The seconds of a turn.")] = 4,
    connections: Annotated[int, typer.Option(help="The number of concurrent requests.")] = 16,
    short: Annotated[bool, typer.Option("--short", help="A small database and one round, as a smoke test.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Measure curves, too, and draw them in this directory; takes minutes.")
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data directory of the embedded PostgreSQL.")] = CACHE,
    server_url: Annotated[str | None, typer.Option(help="Another PostgreSQL, by the URL of a superuser.")] = None,
) -> None:
    """Measure the gateway beside its peers, on one database, under the same row-level security."""
    pace = SHORT if short else Pace(turn=seconds, connections=connections, rounds=rounds)
    selected = [WORKLOADS[name] for name in workloads.split(",")]
    curves: dict[str, Any] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds the stack, so that the servers are stopped
    with (
        _exit_on_error(),
        postgres_server(server_url, data_dir) as url,
        tempfile.TemporaryDirectory(prefix="benegraph-") as directory,
    ):
        find_wrk()
        contenders = select_contenders(only.split(",") if only else None, _log)
        world = build_world(url, 1000, pending=5000) if short else build_world(url, employees)
        with run_contenders(contenders, world, Path(directory)) as started:
            compared = COMPARED_IN_SHORT if short else COMPARED
            setup = _prepare(started, world, selected, Path(directory), compared)
            turns = list(run_turns(started, selected, setup, pace, _log_turn))
            if plot is not None:
                curves["sizes"] = throughput_by_size(started, setup, pace, _log)
        if plot is not None:
            curves["growth"] = cost_by_growth(url, setup.postmaster, setup.directory, pace, _log)
            plots.write(plot, **curves)
    ratios = report.ratios_of(turns)
    report.show(turns, ratios, contenders, Console(width=None if sys.stdout.isatty() else 132))
    if json is not None:
        agreed = {name: len(responses) for name, responses in setup.responses.items()}
        configuration = {"pace": asdict(pace), "contenders": {each.name: each.description for each in contenders}}
        figures = report.as_json(turns, ratios, describe_machine(), **configuration, agreed=agreed, **curves)
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _prepare(
    contenders: Sequence[RunningContender],
    world: World,
    workloads: Sequence[Workload],
    directory: Path,
    compared: int,
) -> BenchmarkSetup:
    """Load the cases of all workloads, and check that all contenders return the same responses."""

    async def prepare() -> BenchmarkSetup:
        connection = await world.connect()
        try:
            backend = await connection.fetchval("SELECT pg_backend_pid()")
            postmaster = parent_of(backend) if is_postgres(backend) else None
            cases = {each.name: await load_cases(connection, world.tenant, each) for each in WORKLOADS.values()}
        finally:
            await connection.close()
        responses = {}
        for workload in workloads:
            sample = cases[workload.name][:compared]
            responses[workload.name] = await check_agreement(contenders, world, workload, sample)
            names = ", ".join(each.name for each in contenders)
            _log(f"{workload.name}: {names} agree on {len(sample)} responses")
        return BenchmarkSetup(world, postmaster, cases, responses, directory)

    return asyncio.run(prepare())


def _log_turn(turn: Turn) -> None:
    _log(f"{turn.round}  {turn.workload}  {turn.contender:<12} {turn.rate:>8,.0f} req/s")


def _log(line: str) -> None:
    console.print(line, style="dim", markup=False)


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """Print the message of an expected error, and exit with 1."""
    try:
        yield
    except (ContenderError, Disagreement, LoadError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error


app()
