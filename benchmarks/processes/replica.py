"""A replica's store by itself, without server and client: takes, claims and settles on order.

``python -m benchmarks.processes.replica STORE NAME``: STORE is the URL of a PostgreSQL database, or
the path of an SQLite file.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.processes.orders import TARGET, Order, Spent, arrival, obey, spread
from benchmarks.shapes import NOWHERE, clock, definitions
from hookgram.core.model import MINUTE, Attempt, Claim, Want
from hookgram.core.outcome import Delivered
from hookgram.ports import Store

TAKING = 64
"""Updates that are taken at a time: as many connections as Telegram's at most, rounded down."""
SLOTS = 40
"""Deliveries that are claimed at most at a time, as a target has slots."""


class Replica:
    """Carries out orders on its store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def carry(self, order: Order) -> Spent:
        """Carry out one order; see ``orders.obey``."""
        if order.do == "work":
            return await self._work(order.count)
        numbers = range(order.first, order.first + order.count)
        calls = (self._store.accept((arrival(number),)) for number in numbers)
        return Spent(order.count, enqueuing=await spread(TAKING, calls))

    async def _work(self, count: int) -> Spent:
        """Claim as a worker does, and settle what was claimed before claiming more."""
        spent = Spent()
        while spent.count < count:
            want = Want(target_id=TARGET, limit=min(SLOTS, count - spent.count), lease=10 * MINUTE)
            began = time.perf_counter()
            claimed = await self._store.claim([want])
            between = time.perf_counter()
            await asyncio.gather(*map(self._settle, claimed.claims))
            spent.claiming.append(between - began)
            spent.settling.append(time.perf_counter() - between)
            spent.count += len(claimed.claims)
            if claimed.due[TARGET] is None:  # none may come back although another has work left
                break
        return spent

    async def _settle(self, claim: Claim) -> None:
        tried = Attempt(number=claim.attempt, started_at=claim.claimed_at, took=1, status=200)
        recorded = await self._store.settle(claim, Delivered(), tried)
        if recorded.lost:
            raise RuntimeError(f"the lease of delivery {claim.delivery_id} was lost")


async def main(place: str, name: str) -> None:
    """Open the store and serve."""
    store = await opened(place, name)
    try:
        await store.register(definitions([NOWHERE] * 2))
        await obey(Replica(store).carry)
    finally:
        await store.close()


async def opened(place: str, name: str) -> Store:
    """Open the store at a URL or a path."""
    if place.startswith("postgresql:"):
        from hookgram.store.postgres import open_postgres  # noqa: PLC0415  (an extra)

        return await open_postgres(place, shard=name)
    from hookgram.store.sqlite import open_sqlite  # noqa: PLC0415

    return await open_sqlite(Path(place), clock=clock, shard=name)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
