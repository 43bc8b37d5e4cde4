"""Measuring: CPU time and memory of processes, from Linux's /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAUSE = 0.2  # seconds
#: The share of one core below which the processes count as idle.
_IDLE = 0.06
_IDLE_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The resident memory of a process, present and peak, in MB."""

    now: float
    peak: float


@dataclass(frozen=True, slots=True)
class CpuMeter:
    """Counts the CPU seconds of a server with its children, and of a PostgreSQL by the PID of its postmaster."""

    server: int
    postmaster: int | None

    def read(self) -> tuple[float, float]:
        return cpu_seconds_of_tree(self.server), cpu_seconds_of_tree(self.postmaster) if self.postmaster else 0.0

    def await_idle(self) -> None:
        """Wait until both are idle, so that the rest of one turn does not burden the next."""
        deadline = time.monotonic() + _IDLE_TIMEOUT
        before = sum(self.read())
        while time.monotonic() < deadline:
            time.sleep(_PAUSE)
            now = sum(self.read())
            if now - before < _IDLE * _PAUSE:
                return
            before = now


def cpu_seconds_of_tree(pid: int) -> float:
    """Sum the CPU seconds of a process and its children, including children that have ended."""
    total = sum(_times(pid)[1:])
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (times := _times(int(entry.name)))[0] == pid:
            total += sum(times[1:])
    return total


def memory_of(pid: int) -> Memory:
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
    now, peak = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return Memory(now, peak)


def parent_of(pid: int) -> int:
    return int(_times(pid)[0])


def is_postgres(pid: int) -> bool:
    """Return whether a local process belongs to PostgreSQL; the PID may come from another machine."""
    try:
        return (PROC / str(pid) / "comm").read_text().startswith("postgres")
    except OSError:
        return False


def _times(pid: int) -> tuple[float, ...]:
    """Return the PID of a process's parent, then its seconds: user and system, its own and of ended children."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:  # the process has ended meanwhile
        return (0, 0, 0, 0, 0)
    fields = text.rpartition(")")[2].split()
    return (int(fields[1]), *(int(field) / _TICKS for field in fields[11:15]))


def describe_machine() -> dict[str, object]:
    """Describe the machine, as far as the figures depend on it."""
    lines = (PROC / "cpuinfo").read_text().splitlines()
    models = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    memory = (PROC / "meminfo").read_text().split()[1]
    return {
        "cores": os.cpu_count(),
        "cpu": ", ".join(sorted(models)) or None,
        "memory_gb": round(int(memory) / 1024 / 1024, 1),
        "kernel": os.uname().release,
    }
