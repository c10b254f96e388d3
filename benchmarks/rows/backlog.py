"""A backlog of a million, in each shape: the cost of a claim, the start, the memory."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median

from benchmarks.bench import Bench
from benchmarks.children import Gateway, Sink
from benchmarks.finding import Finding, at_most, found
from benchmarks.shapes import SHAPES, Shape, clock, make
from hookgram.core.model import MINUTE, Attempt, Want
from hookgram.core.outcome import Delivered
from hookgram.ports import Store
from hookgram.store.sqlite import open_sqlite

ROW = "backlog"
MANY, FEW = 1_000_000, 1_000
CLAIMS = 30
LIMIT = 10
WORKING = 2.0
"""Seconds that a gateway works on its backlog before its memory is looked at."""


def measure(bench: Bench) -> list[Finding]:
    """Measure every shape, the big backlog and the small one in turn."""
    return [finding for shape in SHAPES for finding in _of(bench, shape)]


def _of(bench: Bench, shape: Shape) -> list[Finding]:
    folder = bench.fresh(ROW)
    big, small = folder / "big" / "events.db", folder / "small" / "events.db"
    make(big, shape, max(bench.much(MANY), 2 * FEW))
    make(small, shape, FEW)
    claims = [(_claim_ms(big), _claim_ms(small)) for _ in range(bench.rounds)]
    runs = [(_run(big.parent), _run(small.parent)) for _ in range(bench.rounds)]
    bench.sweep()
    ours = [many for many, _ in claims], [few for _, few in claims]
    memories = [many[1] for many, _ in runs], [few[1] for _, few in runs]
    beside = "a backlog of 1,000"
    name = shape.name
    return [
        found(
            ROW,
            f"claim, p50; {name}",
            "ms",
            at_most(1.5),
            *ours,
            measure="ratio",
            limit_is=beside,
        ),
        found(ROW, f"start; {name}", "s", at_most(3), [many[0] for many, _ in runs]),
        found(
            ROW,
            f"memory; {name}",
            "MiB",
            at_most(50),
            *memories,
            measure="difference",
            limit_is=beside,
        ),
    ]


def _claim_ms(path: Path) -> float:
    return asyncio.run(_claims(path))


async def _claims(path: Path) -> float:
    store = await open_sqlite(path, clock=clock)
    try:
        await store.lapse_all()
        return await claims_ms(store)
    finally:
        await store.close()


async def claims_ms(store: Store) -> float:
    """Claim, and deliver what was claimed, some times; return the median of the claims alone."""
    return 1000 * median([await _claim(store) for _ in range(CLAIMS)])


async def _claim(store: Store) -> float:
    began = time.perf_counter()
    claimed = await store.claim([Want(target_id=1, limit=LIMIT, lease=MINUTE)])
    took = time.perf_counter() - began
    for claim in claimed.claims:
        tried = Attempt(number=claim.attempt, started_at=claim.claimed_at, took=1, status=200)
        await store.settle(claim, Delivered(), tried)
    return took


def _run(folder: Path) -> tuple[float, float]:
    """Let a gateway work on the backlog; return the seconds it took to start, and peak memory."""
    with Sink() as sink, Gateway(folder, [sink.url]) as gateway:
        time.sleep(WORKING)
        return gateway.seconds_to_start, gateway.peak_memory()
