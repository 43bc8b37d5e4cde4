"""Token buckets: each key's rate limit, shared by all processes of a gateway."""

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

if sys.platform != "win32":  # on Windows, a gateway has one process, and no file to lock
    import fcntl

# The table is a hash table of SET_COUNT sets with WAYS slots each. The salt of the hash comes before the sets.
SET_COUNT = 8192
WAYS = 8
#: A slot holds the digest of a key, and the time at which its bucket will be full again. Sizes are in bytes.
DIGEST_SIZE = 16
SLOT_SIZE = 32
SET_SIZE = WAYS * SLOT_SIZE
TABLE_SIZE = SLOT_SIZE + SET_COUNT * SET_SIZE
# A unit of cost is counted in 10^12 parts, so that a bucket gains a whole number of parts each nanosecond, even at a
# thousandth of a unit per second. Whole numbers add up without rounding errors.
PARTS_PER_UNIT = 10**12
NANOSECONDS_PER_SECOND = 10**9


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """The result of a charge: how long to wait before it can succeed, 0 if it did; and the units left in the bucket."""

    wait_seconds: float
    remaining: int


_UNLIMITED = ChargeResult(0.0, 2**31 - 1)


def create_bucket_file(path: Path) -> None:
    """Create an empty file of buckets for the throttles of several processes. Only its owner may read or write it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.truncate(descriptor, TABLE_SIZE)
        os.pwrite(descriptor, secrets.token_bytes(SLOT_SIZE), 0)
    finally:
        os.close(descriptor)


class Throttle:
    """A token bucket for each key: it holds at most `burst` units and gains `per_second` units each second.

    The throttles of several processes share their buckets through a file created by `create_bucket_file`; without a
    file, a throttle has its own. `per_second` is rounded to thousandths. A process creates one throttle and calls it
    from one thread.

    The table has a fixed size. A full bucket needs no slot, because a key without a slot has a full bucket. If all
    slots of a key's set belong to other keys whose buckets are not full, the key takes over the fullest of these
    buckets with its content. A key that loses its slot restarts in a bucket at least as empty as its own would be, so
    no key exceeds its limit. Which keys share a set depends on a secret salt.
    """

    def __init__(self, rate_limit: RateLimit, file: Path | None = None) -> None:
        self._parts_per_nanosecond = max(1, round(rate_limit.per_second * 1000))
        self._capacity = rate_limit.burst * PARTS_PER_UNIT
        self._file: int | None = None
        if file is None:
            self._table = mmap.mmap(-1, TABLE_SIZE)
            self._table[:SLOT_SIZE] = secrets.token_bytes(SLOT_SIZE)
        else:
            self._file = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            self._table = mmap.mmap(self._file, TABLE_SIZE)
        self._salt = self._table[:SLOT_SIZE]

    def charge(self, key: str, cost: int, now: float | None = None) -> ChargeResult:
        """Take a cost from a key's bucket. If the bucket holds too little, take nothing and return how long to wait.

        `now` is a time of the monotonic clock, in seconds; by default the present. A cost above `burst` never succeeds.
        """
        if cost < 0:
            raise ValueError("a cost is never negative")
        if not self._capacity:
            return _UNLIMITED
        digest = hashlib.blake2b(key.encode(), digest_size=DIGEST_SIZE, key=self._salt).digest()
        set_start = SLOT_SIZE + int.from_bytes(digest[:2], "little") % SET_COUNT * SET_SIZE
        with self._locked(set_start):
            # Under the lock, so that the clock is never behind the time that another process has just written.
            nanoseconds = time.monotonic_ns() if now is None else round(now * NANOSECONDS_PER_SECOND)
            present = nanoseconds * self._parts_per_nanosecond
            slot_start, full_at = self._find_slot(set_start, digest)
            missing = max(full_at - present, 0)
            shortage = missing + cost * PARTS_PER_UNIT - self._capacity
            if shortage <= 0:
                missing += cost * PARTS_PER_UNIT
                # One copy: if the process is killed meanwhile, at worst the charge of its last request is lost.
                slot = digest + (present + missing).to_bytes(SLOT_SIZE - DIGEST_SIZE, "little")
                self._table[slot_start : slot_start + SLOT_SIZE] = slot
        remaining = max(self._capacity - missing, 0) // PARTS_PER_UNIT
        if shortage <= 0:
            return ChargeResult(0.0, remaining)
        return ChargeResult(-(-shortage // self._parts_per_nanosecond) / NANOSECONDS_PER_SECOND, remaining)

    def close(self) -> None:
        """Close the table. Its file stays."""
        self._table.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _find_slot(self, set_start: int, digest: bytes) -> tuple[int, int]:
        """Return the start of a key's slot, or of the slot it may take over, and when that slot's bucket is full."""
        slots = self._table[set_start : set_start + SET_SIZE]
        offsets = range(0, SET_SIZE, SLOT_SIZE)
        offset = slots.find(digest)
        if offset not in offsets:
            # The fullest bucket is the first that will be full. If it is full already, there is nothing to take over.
            offset = min(offsets, key=lambda offset: _full_at(slots, offset))
        return set_start + offset, _full_at(slots, offset)

    @contextmanager
    def _locked(self, set_start: int) -> Iterator[None]:
        """Lock one set against other processes. The kernel releases the lock of a process that dies."""
        if self._file is None:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX, SET_SIZE, set_start)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, SET_SIZE, set_start)


def _full_at(slots: bytes, offset: int) -> int:
    return int.from_bytes(slots[offset + DIGEST_SIZE : offset + SLOT_SIZE], "little")
