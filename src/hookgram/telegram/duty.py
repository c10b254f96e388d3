"""Does what only one replica may do at a time, for as long as the store says it is us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from hookgram.core.facts import DutyHeld, DutyLost, DutyTaken
from hookgram.core.model import SECOND, Duty, Micros
from hookgram.errors import StoreUnavailable
from hookgram.ports import Duties, Notice

LEASE: Micros = 30 * SECOND
RENEW = 5.0
MARGIN = 5.0
"""Seconds before the lease ends in which the work is ended, when renewing fails for so long."""
PATIENCE = 5.0
"""Seconds a call of the store may take here."""
LANDING = 30.0
"""Seconds in which the work ends when told to; then it is cut off."""


class Shift:
    """Takes a duty, has its work done while holding it, stands by while another holds it.

    *name* is the duty's, *holder* this process's. ``last_turn``: see ``Turns``.
    """

    def __init__(
        self,
        duties: Duties,
        name: str,
        holder: str,
        notice: Notice,
        *,
        lease: Micros = LEASE,
        renew: float = RENEW,
    ) -> None:
        self._duties = duties
        self._name = name
        self._holder = holder
        self._notice = notice
        self._lease = lease
        self._renew = renew
        self._standing_by = False

    async def run(
        self, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Do *work*, again and again, until *stop*; the event it gets says when it must end.

        Raises what it raises, and StoreBroken.
        """
        while not stop.is_set():
            began = time.monotonic()
            duty = await self._take()
            if duty is None:
                await rest(stop, self._renew)
            else:
                await self._serve(duty, began, work, stop)

    async def _take(self) -> Duty | None:
        try:
            async with asyncio.timeout(PATIENCE):
                duty = await self._duties.take_duty(self._name, self._holder, self._lease)
        except (StoreUnavailable, TimeoutError):
            return None  # the pulse tells
        if duty is not None:
            self._standing_by = False
            self._notice(DutyTaken(duty=self._name))
        elif not self._standing_by:
            self._standing_by = True
            self._notice(DutyHeld(duty=self._name))
        return duty

    async def _serve(
        self,
        duty: Duty,
        began: float,
        work: Callable[[asyncio.Event], Awaitable[None]],
        stop: asyncio.Event,
    ) -> None:
        over = asyncio.Event()
        working = asyncio.ensure_future(work(over))
        try:
            if not await self._keep(duty, began, working, stop):
                self._notice(DutyLost(duty=self._name))
        finally:
            over.set()
            await asyncio.wait((working,), timeout=LANDING)
            working.cancel()
            try:
                with suppress(asyncio.CancelledError):
                    await working
            finally:
                await self._leave(duty)

    async def _leave(self, duty: Duty) -> None:
        with suppress(StoreUnavailable, TimeoutError):  # then it lapses
            async with asyncio.timeout(PATIENCE):
                await self._duties.leave_duty(duty)

    async def _keep(
        self, duty: Duty, began: float, working: asyncio.Future[None], stop: asyncio.Event
    ) -> bool:
        """Renew the duty until *stop* or the work's end; False when it is lost."""
        ends = began + self._lease / SECOND
        while not (stop.is_set() or working.done()):
            await until(stop, working, seconds=self._renew)
            began = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE):
                    if not await self._duties.renew_duty(duty, self._lease):
                        return False
                ends = began + self._lease / SECOND
            except (StoreUnavailable, TimeoutError):
                if time.monotonic() > ends - MARGIN:
                    return False
        return True


class Turns:
    """Tells a watchdog that a loop turns: whatever it waits for has a deadline, and it is kept."""

    def __init__(self) -> None:
        self._back = time.monotonic()

    def expect(self, seconds: float) -> None:
        """Be back within so many seconds."""
        self._back = time.monotonic() + seconds

    @property
    def last(self) -> float:
        """The monotonic time of the last turn: now, unless the loop is late."""
        return min(time.monotonic(), self._back)


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until *stop*."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def until(stop: asyncio.Event, work: asyncio.Future[Any], *, seconds: float) -> None:
    """Wait until *stop*, the work's end, or so long; the work goes on."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((stopping, work), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
