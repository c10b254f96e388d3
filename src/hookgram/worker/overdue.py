"""Notices, where updates are only taken, that nobody delivers them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hookgram.core.definition import Target
from hookgram.core.facts import WorkOverdue, WorkTaken
from hookgram.core.model import MINUTE, SECOND, Micros
from hookgram.errors import StoreUnavailable
from hookgram.ports import Clock, Notice, Queue

LATE: Micros = 15 * MINUTE
"""A worker may leave a failing target alone for ten minutes: what is due for longer is told."""


class Overdue:
    """Looks every *every* microseconds. Notices when it begins and when it is over.

    ``target_of`` knows the targets by their ids; what no configuration names waits rightly.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        target_of: Callable[[int], Target | None],
        notice: Notice,
        clock: Clock,
        every: Micros = MINUTE,
    ) -> None:
        self._queue = queue
        self._target_of = target_of
        self._notice = notice
        self._clock = clock
        self._every = every
        self._told = False

    async def run(self, stop: asyncio.Event) -> None:
        """Look until *stop*."""
        while not stop.is_set():
            with suppress(StoreUnavailable):  # the pulse tells
                self._tell(await self._queue.due())
            await self._rest(stop)

    def _tell(self, due: dict[int, Micros]) -> None:
        now = self._clock()
        late = {
            target.name: now - moment
            for target_id, moment in due.items()
            if now - moment > LATE
            and (target := self._target_of(target_id)) is not None
            and target.definition is not None
        }
        if late and not self._told:
            self._notice(WorkOverdue(targets=tuple(late), wait=max(late.values())))
        elif self._told and not late:
            self._notice(WorkTaken())
        self._told = bool(late)

    async def _rest(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._every / SECOND):
                await stop.wait()
        except TimeoutError:
            return
