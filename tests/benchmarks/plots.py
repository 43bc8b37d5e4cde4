"""Plots: the curves as SVG. Two lines and their axes need no library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import log10
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 50, 60
#: The palette of Okabe and Ito, distinguishable with color blindness.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: its title and tick values. It is logarithmic, or linear from zero."""

    title: str
    ticks: Sequence[float]
    logarithmic: bool = True

    def position(self, value: float) -> float:
        """Return the position of a value along the axis, from 0 to 1."""
        if not self.logarithmic:
            return value / self.ticks[-1]
        low, high = log10(self.ticks[0]), log10(self.ticks[-1])
        return (log10(value) - low) / (high - low)


def draw_sizes(points: Sequence[Mapping[str, Any]]) -> str:
    """Draw throughput by response size, a line for each contender."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        lines.setdefault(point["contender"], []).append((point["answer_bytes"] / 1000, point["rate"]))
    pairs = [pair for line in lines.values() for pair in line]
    return draw(
        "An employer's employees with their enrollments: first 1, 5, 20, 50, 100",
        Axis("response size, kB", _powers_of_ten([x for x, _ in pairs])),
        Axis("requests per second", _powers_of_ten([y for _, y in pairs])),
        lines,
    )


def draw_growth(points: Sequence[Mapping[str, Any]]) -> str:
    """Draw the cost of a point read by the number of employees."""
    lines = {
        "both": [(point["employees"], point["server_cpu"] + point["postgres_cpu"]) for point in points],
        "gateway": [(point["employees"], point["server_cpu"]) for point in points],
        "PostgreSQL": [(point["employees"], point["postgres_cpu"]) for point in points],
    }
    highest = max(cost for _, cost in lines["both"])
    step = 10 ** round(log10(highest) - 0.7)
    ticks = [step * number for number in range(int(highest / step) + 2)]
    tenants = ", ".join(str(point["tenants"]) for point in points)
    return draw(
        f"Cost of a point read by tenants ({tenants}) and rows",
        Axis("employees in the database", _powers_of_ten([x for x, _ in lines["both"]])),
        Axis("ms of CPU a request", ticks, logarithmic=False),
        lines,
    )


def draw(title: str, x: Axis, y: Axis, lines: Mapping[str, Points]) -> str:
    """Draw lines over two axes, and return the SVG."""
    x_of: Callable[[float], float] = lambda value: LEFT + x.position(value) * (WIDTH - LEFT - RIGHT)  # noqa: E731
    y_of: Callable[[float], float] = lambda value: HEIGHT - BOTTOM - y.position(value) * (HEIGHT - TOP - BOTTOM)  # noqa: E731
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, TOP - 28, title, size=14),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x.title, anchor="middle"),
        _text(LEFT, TOP - 6, y.title),
    ]
    for tick in x.ticks:
        parts.append(_line(x_of(tick), TOP, x_of(tick), HEIGHT - BOTTOM, "#ddd"))
        parts.append(_text(x_of(tick), HEIGHT - BOTTOM + 18, f"{tick:g}", anchor="middle"))
    for tick in y.ticks:
        parts.append(_line(LEFT, y_of(tick), WIDTH - RIGHT, y_of(tick), "#ddd"))
        parts.append(_text(LEFT - 8, y_of(tick) + 4, f"{tick:g}", anchor="end"))
    label_ys: list[float] = []
    for (name, points), color in zip(lines.items(), cycle(COLORS), strict=False):
        positions = [(x_of(one), y_of(other)) for one, other in points]
        path = " ".join(f"{one:.1f},{other:.1f}" for one, other in positions)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{one:.1f}" cy="{other:.1f}" r="3.5" fill="{color}"/>' for one, other in positions]
        label_y = positions[-1][1] + 4
        # Names of lines that end close together are moved apart.
        while any(abs(label_y - other) < 14 for other in label_ys):
            label_y += 4
        label_ys.append(label_y)
        parts.append(_text(positions[-1][0] + 10, label_y, name, color=color))
    return "\n".join([*parts, "</svg>\n"])


def write(directory: Path, sizes: Sequence[Mapping[str, Any]], growth: Sequence[Mapping[str, Any]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sizes.svg").write_text(draw_sizes(sizes), encoding="utf-8")
    (directory / "growth.svg").write_text(draw_growth(growth), encoding="utf-8")


def _powers_of_ten(values: Sequence[float]) -> list[float]:
    """Return the powers of ten from just below the smallest to just above the largest value."""
    low, high = int(log10(min(values)) // 1), int(-(-log10(max(values)) // 1))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def _text(x: float, y: float, content: str, *, anchor: str = "start", size: int = 12, color: str = "#222") -> str:
    style = f'text-anchor="{anchor}" font-size="{size}" fill="{color}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(content)}</text>'
