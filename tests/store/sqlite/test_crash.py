"""A process killed in the middle of its work leaves a store that adds up."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from hookgram.core.model import State
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock

WORKER = """
import asyncio, itertools, sys
from pathlib import Path
from store.makers import START, accept, arrival, claim, deliver, owed, register
from hookgram.store.sqlite import open_sqlite

async def main():
    store = await open_sqlite(Path(sys.argv[1]), clock=itertools.count(START).__next__)
    a, b = await register(store, "a", "b")

    async def produce(worker):
        for number in itertools.count():
            update_id = number * 10 + worker + 1
            await accept(store, arrival(owed(a, "x"), owed(b, str(worker)), update_id=update_id))
            print(update_id, flush=True)

    async def consume():
        while True:
            for claimed in await claim(store, a, b, limit=3):
                await deliver(store, claimed)

    await asyncio.gather(*(produce(worker) for worker in range(4)), consume())

asyncio.run(main())
"""


async def test_what_was_acknowledged_is_there_and_the_counts_add_up(path: Path, clock: HandClock):
    acknowledged: set[int] = set()
    for round_ in range(3):
        acknowledged |= work_until_killed(path.with_name(f"{round_}.db"), 40 * (round_ + 1))
        await check(path.with_name(f"{round_}.db"), acknowledged, clock)
        acknowledged.clear()


def work_until_killed(path: Path, acknowledgements: int) -> set[int]:
    tests = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": tests},
    ) as worker:
        assert worker.stdout is not None
        told = [worker.stdout.readline() for _ in range(acknowledgements)]
        worker.kill()
        told += worker.stdout.read().splitlines(keepends=True)
    return {int(line) for line in told if line.endswith("\n")}


async def check(path: Path, acknowledged: set[int], clock: HandClock) -> None:
    store = await open_sqlite(path, clock=clock)
    rows, before = [], None
    while page := await store.deliveries(limit=500, before=before):
        rows += page
        before = page[-1].delivery_id
    made = Counter(row.update_id for row in rows)
    assert acknowledged <= set(made)
    assert set(made.values()) == {2}
    states = Counter((row.target, row.state) for row in rows)
    counts = await store.counts()
    assert counts["", "accepted"] == len(made)
    for name in ("a", "b"):
        assert counts[name, "created"] == len(made)
        assert counts.get((name, "delivered"), 0) == states[name, State.DELIVERED]
    heads = [row.state for row in reversed(rows) if row.target == "a" and row.ended_at is None]
    assert heads[0] is not State.WAITING
    await store.close()
