"""Taking updates durably, while nothing is delivered, beside a handler that does nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.children import Child, Gateway, closed_url, post
from benchmarks.finding import Finding, at_least, found
from benchmarks.processes.load import Plan
from hookgram.core.definition import Definition, Origin
from hookgram.core.model import DAY
from hookgram.core.retry import RetryPolicy
from hookgram.store.sqlite import open_sqlite

ROW = "ingest"
UPDATES = 40_000


def measure(bench: Bench) -> list[Finding]:
    """Measure ours and the limit in turn."""
    count = bench.much(UPDATES)
    ours, limits = [], []
    for _ in range(bench.rounds):
        with Child("bare") as bare:
            limits.append(rate(bare.port, count))
        url = closed_url()
        folder = bench.fresh(ROW)
        asyncio.run(_with_a_paused_target(folder / "events.db", url))
        with Gateway(folder, [url]) as gateway:
            ours.append(rate(gateway.port, count))
    return [
        found(
            ROW,
            "taken durably, 64 connections",
            "updates/s",
            at_least(0.5),
            ours,
            limits,
            measure="ratio",
            limit_is="a bare ASGI handler under the same server",
        )
    ]


def rate(port: int, count: int) -> float:
    """Post and tell how many were answered a second."""
    posted = post(Plan(port=port, count=count))
    return count / (posted.ended - posted.began)


async def _with_a_paused_target(path: Path, url: str) -> None:
    policy = RetryPolicy.doubling(base=2, retries=5, max_age=DAY)
    definition = Definition(name="target", urls=(url,), origin=Origin.ENV, retry=policy)
    store = await open_sqlite(path, clock=lambda: time.time_ns() // 1000)
    await store.register([definition])
    await store.pause("target")
    await store.close()
