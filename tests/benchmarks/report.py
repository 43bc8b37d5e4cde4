"""The report: a table of what each contender did, the gateway's ratios against the others, and both as JSON."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from .contenders import GATEWAY, Contender
from .turns import Turn
from .workloads import WORKLOADS

Ratios = dict[str, dict[str, float]]


def ratios_of(turns: Sequence[Turn]) -> Ratios:
    """Give the gateway's requests per second against each other contender's: the median of the rounds' ratios."""
    rates = {(turn.round, turn.workload, turn.contender): turn.rate for turn in turns}
    found: dict[str, dict[str, list[float]]] = {}
    for (number, workload, contender), rate in rates.items():
        ours = rates.get((number, workload, GATEWAY))
        if contender != GATEWAY and ours is not None:
            found.setdefault(workload, {}).setdefault(contender, []).append(ours / rate)
    return {
        workload: {name: round(median(each), 3) for name, each in others.items()} for workload, others in found.items()
    }


def rounds_of(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Give each round's turns in their order, as JSON holds them."""
    ordered = sorted(turns, key=lambda turn: turn.round)
    return [
        {"round": number, "turns": [turn.told() for turn in each]}
        for number, each in groupby(ordered, lambda turn: turn.round)
    ]


def memory_of(turns: Sequence[Turn]) -> dict[str, dict[str, float]]:
    """Give what each contender held at most, at the end of a turn and ever, in MB."""
    found: dict[str, dict[str, float]] = {}
    for turn in turns:
        held = found.setdefault(turn.contender, {"rss_mb": 0.0, "peak_mb": 0.0})
        held["rss_mb"] = max(held["rss_mb"], round(turn.memory.now, 1))
        held["peak_mb"] = max(held["peak_mb"], round(turn.memory.peak, 1))
    return found


def show(turns: Sequence[Turn], ratios: Ratios, contenders: Sequence[Contender], console: Console) -> None:
    """Print medians over the rounds and the ratios, workload by workload, then what each contender sets."""
    table = Table(title="Medians over the rounds; CPU in ms a request", title_justify="left")
    table.add_column("")
    table.add_column("contender")
    for heading in ("req/s", "p50 ms", "p99 ms", "server CPU", "PostgreSQL CPU", "RSS MB", "peak MB", "answer"):
        table.add_column(heading, justify="right")
    table.add_column(f"{GATEWAY} is", justify="right")
    for workload in dict.fromkeys(turn.workload for turn in turns):
        table.add_section()
        first = workload
        for contender in dict.fromkeys(turn.contender for turn in turns if turn.workload == workload):
            theirs = [turn for turn in turns if (turn.workload, turn.contender) == (workload, contender)]
            ratio = ratios.get(workload, {}).get(contender)
            table.add_row(first, contender, *_medians(theirs), "" if ratio is None else f"{ratio:.2f} x")
            first = ""
    console.print(table)
    titles = {name: WORKLOADS[name].title for name in dict.fromkeys(turn.workload for turn in turns)}
    for name, words in {**titles, **{each.name: each.set_up for each in contenders}}.items():
        console.print(f"{name}: {words}", style="dim", markup=False)


def _medians(turns: Sequence[Turn]) -> list[str]:
    return [
        f"{median(turn.rate for turn in turns):,.0f}",
        f"{median(turn.p50 for turn in turns):.1f}",
        f"{median(turn.p99 for turn in turns):.1f}",
        f"{median(turn.server_cpu for turn in turns):.3f}",
        f"{median(turn.postgres_cpu for turn in turns):.3f}",
        f"{median(turn.memory.now for turn in turns):.0f}",
        f"{max(turn.memory.peak for turn in turns):.0f}",
        _size(median(turn.answer_bytes for turn in turns)),
    ]


def _size(number: float) -> str:
    return f"{number:.0f} B" if number < 10_000 else f"{number / 1000:.0f} kB"


def whole(turns: Sequence[Turn], ratios: Ratios, machine: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Put together what `--json` writes."""
    return {"ratios": ratios, "rounds": rounds_of(turns), "memory": memory_of(turns), "machine": dict(machine), **more}
