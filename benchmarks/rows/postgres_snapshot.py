"""Somebody holds an old snapshot open, so that PostgreSQL must keep every dead row meanwhile.

One round, whatever is asked: each claim in it is one of thousands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import asyncpg
from msgspec import Struct

from benchmarks.backlogs import fill
from benchmarks.bench import Bench
from benchmarks.database import Server
from benchmarks.finding import Finding, at_most, found
from benchmarks.processes.orders import Order, Spent
from benchmarks.processes.replica import Replica
from benchmarks.shapes import Shape
from hookgram.store.postgres import PostgresStore, open_postgres

ROW = "postgres-snapshot"
FINISHED = 200_000
BEFORE = 4_000


class Seen(Struct):
    """Milliseconds that claims took: p50 before, and of the last tenth of those meanwhile."""

    before: float
    meanwhile: float
    first: float
    """The first claim of a replica that starts at the end."""


def measure(bench: Bench) -> list[Finding]:
    """Measure claims before and while the snapshot is held."""
    with Server(bench.fresh(ROW)) as server:
        seen = asyncio.run(_seen(server.database(), bench.much(FINISHED)))
    return [
        found(
            ROW,
            "claim, p50, while an old snapshot is held",
            "ms",
            at_most(2),
            [seen.meanwhile],
            [seen.before],
            measure="ratio",
            limit_is="before it was held",
        ),
        found(ROW, "first claim of a replica started then", "ms", at_most(1_000), [seen.first]),
    ]


async def _seen(url: str, finished: int) -> Seen:
    await fill(url, Shape("a lane each"), BEFORE + finished + BEFORE)
    async with _opened(url) as store:
        before = await Replica(store).carry(Order("work", BEFORE))
        async with _held(url):
            meanwhile = await Replica(store).carry(Order("work", finished))
            async with _opened(url) as another:
                first = await Replica(another).carry(Order("work", 40))
    return Seen(_p50(before), _p50(meanwhile, last=0.1), 1000 * first.claiming[0])


def _p50(spent: Spent, last: float = 1.0) -> float:
    """Return the median of the last share of the claims, in milliseconds."""
    claims = spent.claiming
    return 1000 * median(claims[-max(int(len(claims) * last), 1) :])


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[PostgresStore]:
    store = await open_postgres(url, shard=f"replica-{time.monotonic_ns()}")
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _held(url: str) -> AsyncIterator[None]:
    """Hold a snapshot as a person's forgotten session does."""
    session = await asyncpg.connect(url)
    try:
        async with session.transaction(isolation="repeatable_read"):
            await session.fetchval("SELECT count(*) FROM target")
            yield
    finally:
        await session.close()
