"""Replicas that act at the very same moment, on the same lanes."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from fakes.postgres import connected
from hookgram.core.model import DAY, SECOND, State, Want
from hookgram.errors import NotFound
from store.makers import (
    LEASE,
    accept,
    arrival,
    bury,
    claim,
    deliver,
    ids,
    owe,
    owed,
    register,
    release,
    retry,
)

STUCK = """
SELECT w.target_id, w.lane FROM delivery AS w
 WHERE w.state = 0
   AND NOT EXISTS (SELECT FROM delivery AS h
                    WHERE h.target_id = w.target_id AND h.lane = w.lane
                      AND h.state = 1 AND h.id < w.id)
"""
TWO_HEADS = """
SELECT target_id, lane FROM delivery WHERE state = 1 AND lane IS NOT NULL
 GROUP BY 1, 2 HAVING count(*) > 1
"""
MISCOUNTED = """
SELECT * FROM (SELECT target_id, lane, count(*) AS unsettled FROM delivery
                WHERE state < 3 AND lane IS NOT NULL GROUP BY 1, 2) AS d
  FULL JOIN lane AS l USING (target_id, lane)
 WHERE d.unsettled IS DISTINCT FROM l.unsettled
"""
LEASED_AND_ENDED = """
SELECT l.* FROM lease AS l LEFT JOIN delivery AS d ON d.id = l.delivery_id
 WHERE d.state IS DISTINCT FROM 1
"""
HEADLESS = (
    "SELECT d.id FROM delivery d LEFT JOIN event e ON e.seq = d.event_seq WHERE e.seq IS NULL"
)


async def assert_whole(url: str) -> None:
    async with connected(url) as connection:
        for question in (STUCK, TWO_HEADS, MISCOUNTED, LEASED_AND_ENDED, HEADLESS):
            assert await connection.fetch(question) == []


class Hand:
    """Does one thing after another at one replica, by chance."""

    def __init__(self, store, targets, clock, chance) -> None:
        self.store = store
        self.targets = targets
        self.clock = clock
        self.chance = chance

    async def work(self, times: int) -> None:
        acts = [self.take, self.settle, self.settle, self.replay, self.sweep, self.take_over]
        for _ in range(times):
            await self.chance.choice(acts)()

    async def take(self) -> None:
        lanes = ["x", "y", None]
        due = [owed(self.chance.choice(self.targets), self.chance.choice(lanes)) for _ in range(3)]
        await accept(self.store, *(arrival(one) for one in due))

    async def settle(self) -> None:
        ends = [deliver, deliver, bury, retry, release]
        claims = await claim(self.store, *self.targets, limit=3)
        await asyncio.gather(*(self.chance.choice(ends)(self.store, one) for one in claims))

    async def replay(self) -> None:
        rows = await self.store.deliveries(limit=5)
        with contextlib.suppress(NotFound):
            ended = [row.delivery_id for row in rows if row.state > State.LEASED]
            await self.store.replay(ended)

    async def sweep(self) -> None:
        await self.store.forget(retention=0, dead_retention=SECOND, dedup=DAY)

    async def take_over(self) -> None:
        self.clock.step(SECOND)
        for one in await self.store.claim_lapsed(limit=3, lease=LEASE):
            await retry(self.store, one, wait=0)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_replicas_do_at_the_same_moment_no_lane_is_stuck(replica, url, clock, seed):
    chance = random.Random(seed)
    stores = [await replica(f"replica {number}") for number in range(3)]
    targets = await register(stores[0], "a", "b", "gone")
    hands = [Hand(store, targets, clock, chance) for store in stores for _ in range(2)]
    removal = asyncio.create_task(later(stores[0].remove, "gone"))
    await asyncio.gather(*(hand.work(25) for hand in hands))
    await removal
    await assert_whole(url)
    await finish(stores, targets, clock)
    await assert_whole(url)
    counts = await stores[0].counts()
    for target in targets:
        ended = [counts.get((target.name, end), 0) for end in ("delivered", "dead", "cancelled")]
        assert counts.get((target.name, "created"), 0) == sum(ended)


async def later(act, *values) -> None:
    for _ in range(30):
        await asyncio.sleep(0)
    await act(*values)


async def finish(stores, targets, clock) -> None:
    """Deliver all that is left, from every replica at once."""
    for _ in range(500):
        clock.step(LEASE)
        for one in await stores[0].claim_lapsed(limit=500, lease=LEASE):
            await deliver(stores[0], one)
        taken = await asyncio.gather(*(claim(store, *targets) for store in stores))
        pairs = zip(stores, taken, strict=True)
        await asyncio.gather(*(deliver(store, one) for store, some in pairs for one in some))
        if not any(taken) and not await stores[0].due():
            return
    raise AssertionError("the work does not end")


async def test_what_another_is_just_claiming_is_passed_over_and_stays_due(replica, url, clock):
    store = await replica()
    [target] = await register(store, "shop")
    delivery = await owe(store, target)
    async with connected(url) as other, other.transaction():
        await other.execute("SELECT FROM delivery FOR UPDATE")
        claimed = await store.claim([Want(target_id=target.target_id, limit=1, lease=LEASE)])
        assert (claimed.claims, claimed.due) == ((), {target.target_id: clock.now})
    assert ids(await claim(store, target)) == [delivery]


async def test_who_loses_a_race_for_a_lease_is_told_what_is_left(replica, url, clock):
    store = await replica()
    [target] = await register(store, "shop")
    lost, left = await owe(store, target), await owe(store, target)
    want = Want(target_id=target.target_id, limit=1, lease=LEASE)
    async with connected(url) as other:
        async with other.transaction():
            await other.execute("INSERT INTO lease VALUES ($1, 1, $2, 1)", lost, clock.now + LEASE)
            claiming = asyncio.create_task(store.claim([want]))
            async with connected(url) as watching:
                await until_one_waits(watching)
        claimed = await claiming
    assert (claimed.claims, claimed.due) == ((), {target.target_id: clock.now})
    assert ids(await claim(store, target)) == [left]


WAITING = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def until_one_waits(connection) -> None:
    """Return when a transaction of this database waits for another."""
    async with asyncio.timeout(5):
        while not await connection.fetch(WAITING):
            continue
