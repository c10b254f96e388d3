"""Asks the store now and then whether it can commit, for readiness and for the log."""

from __future__ import annotations

import asyncio

from hookgram.core.facts import StoreFailed, StoreRecovered
from hookgram.errors import StoreUnavailable
from hookgram.ports import Notice, Upkeep

COMMIT_DEADLINE = 10.0


class Pulse:
    """Knows whether the store commits: probes it every *every* seconds, each second while it fails.

    ``reason`` is None while it commits, else what it said last. Notices the change, not each probe.
    """

    def __init__(self, upkeep: Upkeep, notice: Notice, *, every: float = 15.0) -> None:
        self._upkeep = upkeep
        self._notice = notice
        self._every = every
        self._nudged = asyncio.Event()
        self.reason: str | None = None

    def nudge(self) -> None:
        """Probe at once: somebody saw a commit fail."""
        self._nudged.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Probe until *stop*. Raises StoreBroken when the store says so."""
        while not stop.is_set():
            self._nudged.clear()
            await self._probe()
            await self._rest(stop, self._every if self.reason is None else 1.0)

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(COMMIT_DEADLINE):
                await self._upkeep.probe()
        except (StoreUnavailable, TimeoutError) as error:
            self._failed(str(error) or f"no commit within {COMMIT_DEADLINE:.0f} s")
        else:
            self._recovered()

    def _failed(self, reason: str) -> None:
        if self.reason is None:
            self._notice(StoreFailed(reason=reason, broken=False))
        self.reason = reason

    def _recovered(self) -> None:
        if self.reason is not None:
            self._notice(StoreRecovered())
        self.reason = None

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait for a nudge or the time; *stop* is seen because the owner nudges when it sets it."""
        if stop.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return
