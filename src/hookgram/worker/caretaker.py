"""Has lapsed claims settled, forgets what is old enough, keeps the store's log short."""

from __future__ import annotations

import asyncio
import math
import time

from hookgram.core.facts import EventsForgotten
from hookgram.core.model import MINUTE, SECOND, Forgotten, Micros
from hookgram.errors import StoreUnavailable
from hookgram.ports import Clock, Notice, Upkeep
from hookgram.worker.lapses import Lapses

OFTEN: Micros = 2 * SECOND
SELDOM: Micros = MINUTE


class Caretaker:
    """Looks at *lapses*, if it has any, every *often*; for what to forget, every *seldom*.

    Both in microseconds. ``last_turn`` is monotonic seconds, infinite when it has ended.
    """

    def __init__(
        self,
        *,
        upkeep: Upkeep,
        lapses: Lapses | None,
        notice: Notice,
        clock: Clock,
        retention: Micros,
        dead_retention: Micros,
        dedup: Micros,
        often: Micros = OFTEN,
        seldom: Micros = SELDOM,
    ) -> None:
        self._upkeep = upkeep
        self._lapses = lapses
        self._notice = notice
        self._clock = clock
        self._keep = {"retention": retention, "dead_retention": dead_retention, "dedup": dedup}
        self._often = often
        self._seldom = seldom
        self._forget_at: Micros = 0
        self.last_turn = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Look after things until *stop*. Raises StoreBroken when the store cannot be trusted."""
        while not stop.is_set():
            self.last_turn = time.monotonic()
            try:
                if self._lapses is not None:
                    await self._lapses.settle()
                await self._forget(stop)
                await self._upkeep.checkpoint()
            except StoreUnavailable:
                pass  # the pulse tells; the next turn is the next try
            await self._rest(stop)
        self.last_turn = math.inf

    async def _rest(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._often / SECOND):
                await stop.wait()
        except TimeoutError:
            return

    async def _forget(self, stop: asyncio.Event) -> None:
        """Take one small step after another, so that others get their turns."""
        if self._clock() < self._forget_at:
            return
        total = Forgotten(more=True)
        while total.more and not stop.is_set():
            self.last_turn = time.monotonic()
            step = await self._upkeep.forget(**self._keep)
            total = Forgotten(
                events=total.events + step.events, dead=total.dead + step.dead, more=step.more
            )
        self._forget_at = self._clock() + self._seldom
        if total.events or total.dead:
            self._notice(EventsForgotten(events=total.events, dead=total.dead))
