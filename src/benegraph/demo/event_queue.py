"""The event queue: actions scheduled for an instant, run in order of time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush

Action = Callable[[datetime], None]


@dataclass(slots=True)
class EventQueue:
    """Scheduled actions. Those of the same instant run in the order in which they were scheduled."""

    end: datetime
    _pending: list[tuple[datetime, int, Action]] = field(default_factory=list)
    _scheduled_count: int = 0

    def schedule(self, at: datetime, action: Action) -> None:
        """Schedule an action; ignore it if `at` is not before the queue's end."""
        if at < self.end:
            self._scheduled_count += 1
            heappush(self._pending, (at, self._scheduled_count, action))

    def run(self) -> None:
        """Run all actions, including those that actions schedule."""
        while self._pending:
            at, _, action = heappop(self._pending)
            action(at)
