"""Ends the process when a loop stands still: nobody else would, and a restart is what helps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

from hookgram.core.facts import TaskFailed
from hookgram.ports import Notice

LIMIT = 120.0
NOT_READY = 30.0
EXIT_CODE = 74


class Watchdog:
    """Watches the last turns of loops, told in monotonic seconds. A context manager.

    A thread of its own, because it is the event loop that may stand still.
    """

    def __init__(
        self,
        turns: Mapping[str, Callable[[], float]],
        notice: Notice,
        flush: Callable[[], None],
        *,
        limit: float = LIMIT,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._turns = dict(turns)
        self._notice = notice
        self._flush = flush
        self._limit = limit
        self._end = end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(1.0)

    def stalled(self, limit: float = NOT_READY) -> list[str]:
        """Name the loops whose last turn is longer ago than *limit* seconds."""
        now = time.monotonic()
        return [name for name, turn in self._turns.items() if now - turn() > limit]

    def _watch(self) -> None:
        pause = min(self._limit / 4, 5.0)
        looked = time.monotonic()
        while not self._stop.wait(pause):
            before, looked = looked, time.monotonic()
            stalled = self.stalled(self._limit)
            # If we overslept ourselves the whole process was frozen: give the loops their turn.
            if stalled and looked - before < 2 * pause + 1:
                self._finish(stalled)
                return

    def _finish(self, stalled: list[str]) -> None:
        try:
            error = f"{', '.join(stalled)} stood still for {self._limit:.0f} s: ending the process"
            self._notice(TaskFailed(where="watchdog", error=error))
            self._flush()
        finally:
            self._end(EXIT_CODE)
