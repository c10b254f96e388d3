"""Where nobody delivers it is told: once when work is overdue, and once when it no longer is."""

from __future__ import annotations

import asyncio

from hookgram.core.facts import WorkOverdue, WorkTaken
from hookgram.core.model import MINUTE, SECOND
from hookgram.worker.overdue import LATE, Overdue


async def test_work_that_nobody_takes_is_told_once_and_so_is_its_end(shop):
    await shop.target("a")
    await shop.target("b")
    await shop.accept("a")
    await shop.accept("b")
    await shop.store.pause("b")
    targets = {target.target_id: target for target in shop.targets.values()}
    overdue = Overdue(
        queue=shop.store, target_of=targets.get, notice=shop.facts, clock=shop.clock, every=10_000
    )
    shop.clock.ahead += LATE - 10 * SECOND
    watching = asyncio.create_task(overdue.run(shop.stop))
    await turns(shop)
    assert shop.facts.of(WorkOverdue) == []
    shop.clock.ahead += MINUTE
    [fact] = await shop.facts.wait(WorkOverdue)
    assert (fact.targets, fact.wait // MINUTE) == (("a",), LATE // MINUTE)
    async with shop.at_work():
        await shop.facts.wait(WorkTaken)
        watching.cancel()
        await asyncio.wait([watching])
    assert len(shop.facts.of(WorkOverdue)) == 1


async def turns(shop) -> None:
    """Let it look a few times: it has done so when what was asked after it is answered."""
    for _ in range(3):
        await asyncio.wait_for(shop.store.due(), 5)
