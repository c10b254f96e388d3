"""Laws of the counts: kept, not counted; never decreased; right after anything."""

from __future__ import annotations

import asyncio
from collections import Counter

from hookgram.core.model import DAY, UNPARSED, State
from hookgram.ports import Store
from store.makers import (
    HandClock,
    accept,
    arrival,
    bury,
    claim,
    claim_one,
    deliver,
    owe,
    owed,
    register,
    release,
    retry,
)


async def assert_counts_add_up(store: Store) -> None:
    counts = await store.counts()
    rows = Counter((r.target, r.state) for r in await store.deliveries(limit=500))
    for name in {target for target, _ in rows}:
        ended = {
            state: counts.get((name, state.name.lower()), 0)
            for state in (State.DELIVERED, State.DEAD, State.CANCELLED)
        }
        assert ended == {state: rows[name, state] for state in ended}
        unsettled = sum(rows[name, state] for state in State if state < State.DELIVERED)
        assert counts[name, "created"] - sum(ended.values()) == unsettled


async def test_created_is_delivered_and_dead_and_cancelled_and_unsettled(
    store: Store, clock: HandClock
):
    a, b = await register(store, "a", "b")
    await accept(store, *(arrival(owed(a, "x"), owed(b)) for _ in range(9)))
    await assert_counts_add_up(store)
    for settle in (deliver, bury, retry, release):
        await settle(store, await claim_one(store, b))
        await assert_counts_add_up(store)
    await deliver(store, await claim_one(store, a))
    await owe(store, a, dead="rate_limited")
    await store.replay([(await store.deliveries(state=State.DEAD))[0].delivery_id])
    await store.remove("b")
    await assert_counts_add_up(store)


async def test_events_are_counted_apart(store: Store, target):
    await accept(
        store,
        arrival(owed(target), update_id=1),
        arrival(owed(target), update_id=1),
        arrival(update_id=2),
        arrival(owed(target, dead=UNPARSED), kind=UNPARSED),
    )
    assert await store.counts() == {
        ("", "accepted"): 3,
        ("", "duplicate"): 1,
        ("", "unrouted"): 1,
        ("", "unparsed"): 1,
        ("shop", "created"): 2,
        ("shop", "dead"): 1,
    }


async def test_calls_at_the_same_moment_are_each_counted_once(store: Store, target):
    await asyncio.gather(*(owe_one(store, target) for _ in range(100)))
    claims = await claim(store, target)
    await asyncio.gather(*(deliver(store, one) for one in claims for _ in range(2)))
    counts = await store.counts()
    assert (counts["shop", "created"], counts["shop", "delivered"]) == (100, 100)


async def owe_one(store: Store, target) -> None:
    await store.accept([arrival(owed(target))])


async def test_replicas_count_apart_and_are_summed(open_store, target):
    one, two = await open_store("one"), await open_store("two")
    for store in (one, two, two):
        await owe(store, target)
    for store in (one, two):
        assert (await store.counts())["shop", "created"] == 3


async def test_counts_never_decrease_when_rows_are_forgotten(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    await owe(store, target, dead="x")
    await deliver(store, await claim_one(store, target))
    before = await store.counts()
    clock.step(DAY)
    await store.forget(retention=0, dead_retention=0, dedup=0)
    assert await store.deliveries() == []
    assert await store.counts() == before | {("shop", "purged"): 1}


async def test_a_name_that_came_back_is_counted_with_the_one_before(store: Store, target):
    await owe(store, target)
    await store.remove("shop")
    [again] = await register(store, "shop")
    await owe(store, again)
    counts = await store.counts()
    assert (counts["shop", "created"], counts["shop", "cancelled"]) == (2, 1)
