"""Where nobody delivers it is told: once when work is overdue, and once when it no longer is."""

from __future__ import annotations

import asyncio

from hookgram.core.facts import WorkOverdue, WorkTaken
from hookgram.core.model import MINUTE, SECOND
from hookgram.worker.overdue import LATE, Overdue


class Looked:
    """The store's queue, and a way to wait until it was looked at so often."""

    def __init__(self, store) -> None:
        self._store = store
        self._looked = asyncio.Semaphore(0)

    async def due(self) -> dict[int, int]:
        due = await self._store.due()
        self._looked.release()
        return due

    async def times(self, number: int) -> None:
        async with asyncio.timeout(5):
            for _ in range(number):
                await self._looked.acquire()


async def test_work_that_nobody_takes_is_told_once_and_so_is_its_end(shop):
    for name in ("a", "b"):
        await shop.target(name)
        await shop.accept(name)
    await shop.store.pause("b")
    targets = {target.target_id: target for target in shop.targets.values()}
    queue = Looked(shop.store)
    overdue = Overdue(
        queue=queue, target_of=targets.get, notice=shop.facts, clock=shop.clock, every=1_000
    )
    shop.clock.ahead += LATE - 10 * SECOND
    watching = asyncio.create_task(overdue.run(asyncio.Event()))
    await queue.times(3)
    assert shop.facts.of(WorkOverdue) == []
    shop.clock.ahead += MINUTE
    [fact] = await shop.facts.wait(WorkOverdue)
    assert (fact.targets, fact.wait // MINUTE) == (("a",), LATE // MINUTE)
    await queue.times(5)
    async with shop.at_work():
        await shop.facts.wait(WorkTaken)
    await queue.times(5)
    watching.cancel()
    await asyncio.wait([watching])
    assert len(shop.facts.of(WorkOverdue)) == len(shop.facts.of(WorkTaken)) == 1
