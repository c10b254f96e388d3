"""A target that answered quickly and has claims ready, at a store that is watched."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from hookgram.core.facts import DeliverySettled
from hookgram.core.model import SECOND, State
from hookgram.core.outcome import Released
from hookgram.errors import StoreUnavailable

SLOTS = 5
ATTEMPTS = 4
"""One slot of five is kept for what somebody waits for."""


class Watched:
    """The real store; what is given back is counted, and refused so many times."""

    def __init__(self, store) -> None:
        self._store = store
        self.claims = 0
        self.claimed = []
        self.open = asyncio.Event()
        self.open.set()
        self.refusals = 0
        self.given_back = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def claim(self, wants):
        self.claims += 1
        await self.open.wait()
        claimed = await self._store.claim(wants)
        self.claimed += claimed.claims
        return claimed

    async def settle(self, claim, settlement, attempt):
        if settlement == Released() and self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        recorded = await self._store.settle(claim, settlement, attempt)
        self.given_back += settlement == Released()
        return recorded

    async def until_given_back(self, count: int, worker) -> None:
        async with asyncio.timeout(5):
            while self.given_back < count:
                worker.wake([])
                await self._store.counts()


async def leased(shop) -> int:
    rows = await shop.store.deliveries(limit=500)
    return [row.state for row in rows].count(State.LEASED)


async def tried(shop) -> list[int]:
    """How many tries each pending delivery has behind it."""
    rows = await shop.store.deliveries(limit=500)
    return sorted(row.attempts for row in rows if row.state is State.PENDING)


@asynccontextmanager
async def at_a_quick_target(shop, *, slots=SLOTS, messages=20, grace=10 * SECOND, **how):
    """Run a worker whose target answered quickly, and hangs now with claims ready."""
    channel = await shop.target("a", slots=slots, **how)
    shop.queue = Watched(shop.store)
    await shop.accept("a")
    async with shop.at_work(grace=grace, breaker_failures=2) as worker:
        await shop.facts.wait(DeliverySettled)
        channel.gate.clear()
        for _ in range(messages):
            await shop.accept("a")
        worker.wake()
        await channel.until_in_flight(min(slots - min(max(slots // 5, 1), slots - 1), messages))
        try:
            yield worker, channel
        finally:
            channel.gate.set()
