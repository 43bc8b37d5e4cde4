"""Plots: the curves as SVG, written by hand, as two lines and their axes need no library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import log10
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 50, 60
#: Okabe and Ito's, which those who see few colours can tell apart too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it shows, the values that are marked, and whether it is logarithmic or else begins at zero."""

    title: str
    marks: Sequence[float]
    logarithmic: bool = True

    def place(self, value: float) -> float:
        """Give how far along the axis a value stands, from 0 to 1."""
        if not self.logarithmic:
            return value / self.marks[-1]
        low, high = log10(self.marks[0]), log10(self.marks[-1])
        return (log10(value) - low) / (high - low)


def draw_sizes(points: Sequence[Mapping[str, Any]]) -> str:
    """Draw throughput against the size of the answer, a line for each contender."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        lines.setdefault(point["contender"], []).append((point["answer_bytes"] / 1000, point["rate"]))
    both = [pair for line in lines.values() for pair in line]
    return draw(
        "An employer's employees with their enrollments: first 1, 5, 20, 50, 100",
        Axis("size of the answer, kB", _powers([x for x, _ in both])),
        Axis("requests per second", _powers([y for _, y in both])),
        lines,
    )


def draw_growth(points: Sequence[Mapping[str, Any]]) -> str:
    """Draw what a point read costs against the number of employees."""
    lines = {
        "both": [(point["employees"], point["server_cpu"] + point["postgres_cpu"]) for point in points],
        "gateway": [(point["employees"], point["server_cpu"]) for point in points],
        "PostgreSQL": [(point["employees"], point["postgres_cpu"]) for point in points],
    }
    most = max(cost for _, cost in lines["both"])
    step = 10 ** round(log10(most) - 0.7)
    marks = [step * number for number in range(int(most / step) + 2)]
    tenants = ", ".join(str(point["tenants"]) for point in points)
    return draw(
        f"What a point read costs as tenants ({tenants}) and rows grow",
        Axis("employees in the database", _powers([x for x, _ in lines["both"]])),
        Axis("ms of CPU a request", marks, logarithmic=False),
        lines,
    )


def draw(title: str, x: Axis, y: Axis, lines: Mapping[str, Points]) -> str:
    """Draw lines over two axes."""
    across: Callable[[float], float] = lambda value: LEFT + x.place(value) * (WIDTH - LEFT - RIGHT)  # noqa: E731
    up: Callable[[float], float] = lambda value: HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM)  # noqa: E731
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, TOP - 28, title, size=14),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x.title, anchor="middle"),
        _text(LEFT, TOP - 6, y.title),
    ]
    for mark in x.marks:
        parts.append(_line(across(mark), TOP, across(mark), HEIGHT - BOTTOM, "#ddd"))
        parts.append(_text(across(mark), HEIGHT - BOTTOM + 18, f"{mark:g}", anchor="middle"))
    for mark in y.marks:
        parts.append(_line(LEFT, up(mark), WIDTH - RIGHT, up(mark), "#ddd"))
        parts.append(_text(LEFT - 8, up(mark) + 4, f"{mark:g}", anchor="end"))
    ends: list[float] = []
    for (name, points), colour in zip(lines.items(), cycle(COLOURS), strict=False):
        placed = [(across(one), up(other)) for one, other in points]
        path = " ".join(f"{one:.1f},{other:.1f}" for one, other in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{one:.1f}" cy="{other:.1f}" r="3.5" fill="{colour}"/>' for one, other in placed]
        beside = placed[-1][1] + 4
        while any(abs(beside - end) < 14 for end in ends):  # names stand apart where lines end together
            beside += 4
        ends.append(beside)
        parts.append(_text(placed[-1][0] + 10, beside, name, colour=colour))
    return "\n".join([*parts, "</svg>\n"])


def write(directory: Path, sizes: Sequence[Mapping[str, Any]], growth: Sequence[Mapping[str, Any]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sizes.svg").write_text(draw_sizes(sizes), encoding="utf-8")
    (directory / "growth.svg").write_text(draw_growth(growth), encoding="utf-8")


def _powers(values: Sequence[float]) -> list[float]:
    """Give the powers of ten around some values."""
    low, high = int(log10(min(values)) // 1), int(-(-log10(max(values)) // 1))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, colour: str = "#222") -> str:
    style = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
