"""A backlog of a million in PostgreSQL, in each shape: the cost of a claim."""

from __future__ import annotations

import asyncio

import asyncpg

from benchmarks.backlogs import fill, owe
from benchmarks.bench import Bench
from benchmarks.database import Server
from benchmarks.finding import Finding, at_most, found
from benchmarks.rows.backlog import FEW, MANY, claims_ms
from benchmarks.shapes import SHAPES, Shape
from hookgram.store.postgres import open_postgres

ROW = "postgres-backlog"


def measure(bench: Bench) -> list[Finding]:
    """Measure every shape, the big backlog and the small one in turn."""
    with Server(bench.fresh(ROW)) as server:
        big, small = server.database(), server.database()
        asyncio.run(fill(big, SHAPES[0], max(bench.much(MANY), 2 * FEW)))
        asyncio.run(fill(small, SHAPES[0], FEW))
        return [_of(bench, shape, big, small) for shape in SHAPES]


def _of(bench: Bench, shape: Shape, big: str, small: str) -> Finding:
    for url in (big, small):
        asyncio.run(_reshape(url, shape))
    claims = [(asyncio.run(_claims(big)), asyncio.run(_claims(small))) for _ in range(bench.rounds)]
    return found(
        ROW,
        f"claim, p50; {shape.name}",
        "ms",
        at_most(1.5),
        [many for many, _ in claims],
        [few for _, few in claims],
        measure="ratio",
        limit_is="a backlog of 1,000",
    )


async def _reshape(url: str, shape: Shape) -> None:
    db = await asyncpg.connect(url)
    try:
        await owe(db, shape)
    finally:
        await db.close()


async def _claims(url: str) -> float:
    store = await open_postgres(url)
    try:
        return await claims_ms(store)
    finally:
        await store.close()
