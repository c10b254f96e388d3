"""Laws of order: per lane, per target."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.core.model import SECOND, Priority, State
from hookgram.ports import Store
from store.makers import (
    LEASE,
    HandClock,
    accept,
    arrival,
    bury,
    claim,
    claim_one,
    deliver,
    ids,
    owe,
    owed,
    register,
    release,
    retry,
)


@pytest.mark.parametrize("settle", [deliver, bury])
async def test_the_second_of_a_lane_is_claimed_when_the_first_is_terminal(
    store: Store, clock: HandClock, target, settle
):
    first, second = await owe(store, target, "a"), await owe(store, target, "a")
    claimed = await claim_one(store, target)
    assert claimed.delivery_id == first
    assert await claim(store, target) == []
    recorded = await settle(store, claimed)
    assert recorded.due == clock.now
    assert ids(await claim(store, target)) == [second]


async def test_a_retry_a_lapse_or_a_release_of_the_first_holds_the_second_back(
    store: Store, clock: HandClock, target
):
    first, _ = await owe(store, target, "a"), await owe(store, target, "a")
    await release(store, await claim_one(store, target))
    claims = await claim(store, target)
    assert ids(claims) == [first]
    await retry(store, claims[0], wait=SECOND)
    assert await claim(store, target) == []
    clock.step(SECOND)
    assert ids(await claim(store, target)) == [first]
    clock.step(LEASE)
    assert await claim(store, target) == []
    assert ids(await store.claim_lapsed(limit=9, lease=LEASE)) == [first]


async def test_a_lane_goes_in_the_order_of_acceptance(store: Store, target):
    deliveries = [await owe(store, target, "a") for _ in range(4)]
    seen = []
    for _ in deliveries:
        claimed = await claim_one(store, target)
        seen.append(claimed.delivery_id)
        await deliver(store, claimed)
    assert seen == deliveries


async def test_order_holds_within_one_call_and_one_batch(store: Store, target):
    one = accept(store, *(arrival(owed(target, "a")) for _ in range(3)))
    await asyncio.gather(one, *(accept(store, arrival(owed(target, "a"))) for _ in range(3)))
    states = [row.state for row in await store.deliveries()]
    assert states == [State.WAITING] * 5 + [State.PENDING]


async def test_lanes_do_not_hold_each_other_up(store: Store, target):
    first = [await owe(store, target, lane) for lane in ("a", "b", "c")]
    await owe(store, target, "a")
    assert ids(await claim(store, target)) == first


async def test_the_same_lane_of_another_target_is_another_lane(store: Store):
    a, b = await register(store, "a", "b")
    await accept(store, arrival(owed(a, "x"), owed(b, "x")))
    assert len(await claim(store, a, b)) == 2


async def test_without_a_lane_nothing_waits(store: Store, target):
    deliveries = [await owe(store, target) for _ in range(3)]
    assert ids(await claim(store, target)) == deliveries


async def test_a_waiting_one_keeps_its_own_due_moment(store: Store, clock: HandClock, target):
    await owe(store, target, "a")
    second = await owe(store, target, "a", delay=SECOND)
    recorded = await deliver(store, await claim_one(store, target))
    assert recorded.due == clock.now + SECOND
    assert await claim(store, target) == []
    clock.step(SECOND)
    assert ids(await claim(store, target)) == [second]


async def test_an_urgent_one_does_not_overtake_its_lane(store: Store, target):
    first = await owe(store, target, "a")
    await owe(store, target, "a", priority=Priority.INTERACTIVE)
    assert ids(await claim(store, target)) == [first]


async def test_a_dead_letter_made_at_once_holds_nobody_up(store: Store, target):
    await owe(store, target, "a", dead="rate_limited")
    second = await owe(store, target, "a")
    await owe(store, target, "a", dead="rate_limited")
    assert ids(await claim(store, target)) == [second]


async def test_the_end_of_one_without_a_lane_promotes_nobody(store: Store, target):
    await owe(store, target)
    await owe(store, target, "a", delay=SECOND)
    await owe(store, target, "a")
    recorded = await deliver(store, await claim_one(store, target))
    assert recorded.due is None
    assert await claim(store, target) == []


async def test_a_replay_stands_at_the_tail_of_its_lane(store: Store, target):
    first = await owe(store, target, "a")
    await bury(store, await claim_one(store, target))
    second = await owe(store, target, "a")
    [again] = await store.replay([first])
    claimed = await claim_one(store, target)
    assert claimed.delivery_id == second
    assert await claim(store, target) == []
    await deliver(store, claimed)
    assert ids(await claim(store, target)) == [again]


async def test_no_lane_is_stuck_however_calls_meet(open_store, clock: HandClock):
    one, two = await open_store("one"), await open_store("two")
    [target] = await register(one, "shop")
    first = await owe(one, target, "a")
    claims = await claim(one, target)
    for step in range(15):
        replica, other = (one, two) if step % 2 else (two, one)
        await asyncio.gather(
            *(deliver(replica, claimed) for claimed in claims),
            *(accept(other, arrival(owed(target, "a"))) for _ in range(2)),
            other.replay([first]),
        )
        unsettled = [r for r in await one.deliveries(limit=500) if r.state < State.DELIVERED]
        assert [row.state for row in unsettled][-1] is State.PENDING
        claims = await claim(replica, target)
        assert ids(claims) == [unsettled[-1].delivery_id]
