"""One deadline for each of many waits, all equally long, with one timer for all of them.

A timer for each costs more than all that is done with it, for hardly any ever goes off.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable


class Deadlines:
    """Waits that may take so many *seconds* each. Used on one event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._numbers = itertools.count()
        self._waits: dict[int, tuple[float, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, late: Callable[[], None]) -> int:
        """Have *late* called, once, unless the wait of the number returned has ended before."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        number = next(self._numbers)
        until = loop.time() + self._seconds
        self._waits[number] = until, late
        if self._timer is None:
            self._timer = loop.call_at(until, self._look, loop)
        return number

    def end(self, number: int) -> None:
        """End the wait in time."""
        self._waits.pop(number, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call those that are late, and come back when the next could be: they began in order."""
        self._timer = None
        now = loop.time()
        late = list(itertools.takewhile(lambda one: one[1][0] <= now, self._waits.items()))
        for number, _ in late:
            del self._waits[number]
        if self._waits:
            until, _ = next(iter(self._waits.values()))
            self._timer = loop.call_at(until, self._look, loop)
        for _, (_, call) in late:
            loop.call_soon(call)  # one that fails, fails alone
