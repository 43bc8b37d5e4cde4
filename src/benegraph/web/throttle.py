"""The token buckets: what each key may still spend, counted once for all processes of a gateway."""

import hashlib
import mmap
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benegraph.settings import RateLimit

if sys.platform != "win32":  # where there is one process, and no file to lock
    import fcntl

SETS = 8192
WAYS = 8
#: A slot is the digest of a key, and the instant at which its bucket will be full again.
DIGEST = 16
SLOT = 32
SET = WAYS * SLOT
SIZE = SLOT + SETS * SET  # before the sets stands the salt
# A unit of cost is counted in 10^12 parts, so that a bucket gains a whole number of them each nanosecond: a thousandth
# of a unit per second is one. Whole numbers add up exactly, however many payments there are.
UNIT = 10**12
SECOND = 10**9


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """What came of a payment: nothing to wait for where it was made, and what the bucket holds now, in whole units."""

    wait: float
    left: int


_FREELY = ChargeResult(0.0, 2**31 - 1)


def create_bucket_file(path: Path) -> None:
    """Make the file over which the throttles of several processes are one: empty, and its owner's alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.truncate(descriptor, SIZE)
        os.pwrite(descriptor, secrets.token_bytes(SLOT), 0)
    finally:
        os.close(descriptor)


class Throttle:
    """A token bucket for each key: `rate.burst` units at most, `rate.per_second` more each second, to the thousandth.

    Over the same file, that of `create_bucket_file`, the throttles of several processes are one; without a file this
    one is alone. A process makes one of them, and calls it from one thread.

    The table never grows. A bucket that is full again is as good as none, so its slot is free to take; a key whose set
    holds eight buckets that are not, all of other keys, takes over the fullest of them, with what is left in it. That
    fails safe: a key that lost its bucket in this way lost the fullest, and on coming back finds none that holds more
    than its own would by then, so that no key ever spends beyond its rate. Who meets whom is a secret of the run.
    """

    def __init__(self, rate: RateLimit, file: Path | None = None) -> None:
        self._speed = max(1, round(rate.per_second * 1000))
        self._depth = rate.burst * UNIT
        self._file: int | None = None
        if file is None:
            self._table = mmap.mmap(-1, SIZE)
            self._table[:SLOT] = secrets.token_bytes(SLOT)
        else:
            self._file = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            self._table = mmap.mmap(self._file, SIZE)
        self._salt = self._table[:SLOT]

    def pay(self, key: str, cost: int, now: float | None = None) -> ChargeResult:
        """Pay a cost from a key's bucket where it holds as much; else pay nothing, and tell how long to wait.

        `now` is an instant of the monotonic clock, by default this one. What costs more than a full bucket is never
        paid.
        """
        if cost < 0:
            raise ValueError("a cost is never negative")
        if not self._depth:
            return _FREELY
        digest = hashlib.blake2b(key.encode(), digest_size=DIGEST, key=self._salt).digest()
        start = SLOT + int.from_bytes(digest[:2], "little") % SETS * SET
        with self._alone_with(start):
            # Read in here, the clock is never behind what another process has just written.
            present = (time.monotonic_ns() if now is None else round(now * SECOND)) * self._speed
            place, full_at = self._find(start, digest)
            debt = max(full_at - present, 0)
            lacking = debt + cost * UNIT - self._depth
            if lacking <= 0:
                debt += cost * UNIT
                # By one copy: a process killed meanwhile leaves at worst a payment uncounted, whose request died too.
                self._table[place : place + SLOT] = digest + (present + debt).to_bytes(SLOT - DIGEST, "little")
        left = max(self._depth - debt, 0) // UNIT
        return ChargeResult(0.0 if lacking <= 0 else -(-lacking // self._speed) / SECOND, left)

    def close(self) -> None:
        """Let go of the table; the file stays."""
        self._table.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _find(self, start: int, digest: bytes) -> tuple[int, int]:
        """Find a key's slot, or one it may take, and the instant at which the bucket in it is full again."""
        slots = self._table[start : start + SET]
        places = range(0, SET, SLOT)
        found = slots.find(digest)
        if found in places:
            return start + found, _full_at(slots, found)
        # The fullest is the one that is full again first; if it already is, there is nothing to take over.
        place = min(places, key=lambda place: _full_at(slots, place))
        return start + place, _full_at(slots, place)

    @contextmanager
    def _alone_with(self, start: int) -> Iterator[None]:
        """Keep other processes out of one set. The kernel lets go of it for whoever dies."""
        if self._file is None:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX, SET, start)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, SET, start)


def _full_at(slots: bytes, place: int) -> int:
    return int.from_bytes(slots[place + DIGEST : place + SLOT], "little")
