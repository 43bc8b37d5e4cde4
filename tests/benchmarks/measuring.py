"""Measuring: what processes cost, as Linux counts it under /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAUSE = 0.2  # seconds
#: The part of one core below which a machine counts as idle.
_IDLE = 0.06
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds, and the most it ever held, in MB."""

    now: float
    peak: float


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts the CPU seconds of a server, its children included, and of a whole PostgreSQL by its postmaster's pid."""

    server: int
    postmaster: int | None

    def read(self) -> tuple[float, float]:
        return seconds_of_family(self.server), seconds_of_family(self.postmaster) if self.postmaster else 0.0

    def await_idle(self) -> None:
        """Wait until neither does anything any more: what one turn leaves behind must not burden the next."""
        deadline = time.monotonic() + _PATIENCE
        before = sum(self.read())
        while time.monotonic() < deadline:
            time.sleep(_PAUSE)
            now = sum(self.read())
            if now - before < _IDLE * _PAUSE:
                return
            before = now


def seconds_of_family(pid: int) -> float:
    """Sum up what a process and its children have used, those included that have ended and were waited for."""
    total = sum(_times(pid)[1:])
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (times := _times(int(entry.name)))[0] == pid:
            total += sum(times[1:])
    return total


def memory_of(pid: int) -> Memory:
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    told = {name: words for name, _, words in (line.partition(":") for line in lines)}
    now, peak = (int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return Memory(now, peak)


def parent_of(pid: int) -> int:
    return int(_times(pid)[0])


def is_postgres(pid: int) -> bool:
    """Tell whether a process here is PostgreSQL's: the pid may be one of another machine."""
    try:
        return (PROC / str(pid) / "comm").read_text().startswith("postgres")
    except OSError:
        return False


def _times(pid: int) -> tuple[float, ...]:
    """Give a process's parent, then its seconds: user's and system's, its own and of children waited for."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:  # it has ended meanwhile
        return (0, 0, 0, 0, 0)
    fields = text.rpartition(")")[2].split()
    return (int(fields[1]), *(int(each) / _TICKS for each in fields[11:15]))


def machine() -> dict[str, object]:
    """Describe the machine, as far as figures depend on it."""
    lines = (PROC / "cpuinfo").read_text().splitlines()
    models = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    memory = (PROC / "meminfo").read_text().split()[1]
    return {
        "cores": os.cpu_count(),
        "cpu": ", ".join(sorted(models)) or None,
        "memory_gb": round(int(memory) / 1024 / 1024, 1),
        "kernel": os.uname().release,
    }
