"""The report: a table of all figures, the gateway's ratios to the other contenders, and both as JSON."""

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
    """Return the gateway's requests per second divided by each other contender's: the median over the rounds."""
    rates = {(turn.round, turn.workload, turn.contender): turn.rate for turn in turns}
    by_workload: dict[str, dict[str, list[float]]] = {}
    for (number, workload, contender), rate in rates.items():
        gateway_rate = rates.get((number, workload, GATEWAY))
        if contender != GATEWAY and gateway_rate is not None:
            by_workload.setdefault(workload, {}).setdefault(contender, []).append(gateway_rate / rate)
    return {
        workload: {name: round(median(ratios), 3) for name, ratios in contenders.items()}
        for workload, contenders in by_workload.items()
    }


def rounds_of(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the turns of each round in their order, as JSON."""
    ordered = sorted(turns, key=lambda turn: turn.round)
    return [
        {"round": number, "turns": [turn.as_dict() for turn in group]}
        for number, group in groupby(ordered, lambda turn: turn.round)
    ]


def memory_by_contender(turns: Sequence[Turn]) -> dict[str, dict[str, float]]:
    """Return each contender's largest memory in MB: at the end of a turn, and at its peak."""
    memory: dict[str, dict[str, float]] = {}
    for turn in turns:
        largest = memory.setdefault(turn.contender, {"rss_mb": 0.0, "peak_mb": 0.0})
        largest["rss_mb"] = max(largest["rss_mb"], round(turn.memory.now, 1))
        largest["peak_mb"] = max(largest["peak_mb"], round(turn.memory.peak, 1))
    return memory


def show(turns: Sequence[Turn], ratios: Ratios, contenders: Sequence[Contender], console: Console) -> None:
    """Print the medians and ratios by workload, then the descriptions of workloads and contenders."""
    table = Table(title="Medians over the rounds; CPU in ms a request", title_justify="left")
    table.add_column("")
    table.add_column("contender")
    for heading in ("req/s", "p50 ms", "p99 ms", "server CPU", "PostgreSQL CPU", "RSS MB", "peak MB", "response"):
        table.add_column(heading, justify="right")
    table.add_column(f"{GATEWAY} is", justify="right")
    for workload in dict.fromkeys(turn.workload for turn in turns):
        table.add_section()
        label = workload
        for contender in dict.fromkeys(turn.contender for turn in turns if turn.workload == workload):
            own_turns = [turn for turn in turns if (turn.workload, turn.contender) == (workload, contender)]
            ratio = ratios.get(workload, {}).get(contender)
            table.add_row(label, contender, *_medians(own_turns), "" if ratio is None else f"{ratio:.2f} x")
            label = ""
    console.print(table)
    titles = {name: WORKLOADS[name].title for name in dict.fromkeys(turn.workload for turn in turns)}
    for name, description in {**titles, **{each.name: each.description for each in contenders}}.items():
        console.print(f"{name}: {description}", style="dim", markup=False)


def _medians(turns: Sequence[Turn]) -> list[str]:
    return [
        f"{median(turn.rate for turn in turns):,.0f}",
        f"{median(turn.p50 for turn in turns):.1f}",
        f"{median(turn.p99 for turn in turns):.1f}",
        f"{median(turn.server_cpu for turn in turns):.3f}",
        f"{median(turn.postgres_cpu for turn in turns):.3f}",
        f"{median(turn.memory.now for turn in turns):.0f}",
        f"{max(turn.memory.peak for turn in turns):.0f}",
        _format_size(median(turn.answer_bytes for turn in turns)),
    ]


def _format_size(size: float) -> str:
    return f"{size:.0f} B" if size < 10_000 else f"{size / 1000:.0f} kB"


def as_json(turns: Sequence[Turn], ratios: Ratios, machine: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the content of the file that `--json` writes."""
    memory = memory_by_contender(turns)
    return {"ratios": ratios, "rounds": rounds_of(turns), "memory": memory, "machine": dict(machine), **more}
