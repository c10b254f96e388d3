"""Laws of removing dead letters by order."""

from __future__ import annotations

import pytest

from hookgram.core.model import DAY, State
from hookgram.errors import NotFound
from hookgram.ports import Store
from store.makers import (
    HandClock,
    accept,
    arrival,
    bury,
    claim_one,
    deliver,
    owe,
    owed,
    register,
    retry,
)


async def test_a_purged_letter_goes_with_its_attempts_and_its_event(store: Store, target):
    dead = await owe(store, target)
    await retry(store, await claim_one(store, target), wait=0)
    await bury(store, await claim_one(store, target))
    event = (await store.delivery(dead)).event_id
    assert len(await store.attempts(dead)) == 2
    assert await store.purge([dead]) == 1
    assert await store.attempts(dead) == []
    with pytest.raises(NotFound):
        await store.delivery(dead)
    with pytest.raises(NotFound):
        await store.event(event)


async def test_purged_is_counted_and_counts_add_up(store: Store, target):
    made = [await owe(store, target, dead="x") for _ in range(3)]
    await store.purge(made[:2])
    counts = await store.counts()
    assert (counts["shop", "dead"], counts["shop", "purged"]) == (3, 2)
    assert len(await store.deliveries(state=State.DEAD)) == 1


async def test_only_dead_letters_are_purged_each_once(store: Store):
    shop, _ = await register(store, "shop", "other")
    pending, dead = await owe(store, shop), await owe(store, shop, dead="x")
    await deliver(store, await claim_one(store, shop))
    delivered, leased = pending, await owe(store, shop)
    await claim_one(store, shop)
    assert await store.purge([delivered, leased, 999, dead, dead]) == 1
    assert [row.delivery_id for row in await store.deliveries()] == [leased, delivered]


@pytest.mark.parametrize("end", [deliver, bury, None])
async def test_an_event_stays_while_another_delivery_has_it(store: Store, end):
    shop, other = await register(store, "shop", "other")
    await accept(store, arrival(owed(shop, dead="x"), owed(other)))
    if end is not None:
        await end(store, await claim_one(store, other))
    last, first = await store.deliveries()
    assert await store.purge([first.delivery_id]) == 1
    assert (await store.event(last.event_id)).event_id == last.event_id


@pytest.mark.parametrize("swept", [False, True])
async def test_an_event_whose_letter_was_purged_is_forgotten_within_a_day(
    store: Store, clock: HandClock, swept
):
    shop, other = await register(store, "shop", "other")
    await accept(store, arrival(owed(shop, dead="x"), owed(other)))
    await deliver(store, await claim_one(store, other))
    last, first = await store.deliveries()
    clock.step(10)
    if swept:
        await store.forget(retention=5, dead_retention=100 * DAY, dedup=DAY)
    await store.purge([first.delivery_id])
    clock.step(DAY + 10)
    await store.forget(retention=5, dead_retention=100 * DAY, dedup=DAY)
    with pytest.raises(NotFound):
        await store.event(last.event_id)


async def test_a_replay_outlives_the_letter_it_repeats(store: Store, target):
    old = await owe(store, target, dead="x")
    [new] = await store.replay([old])
    assert await store.purge([old]) == 1
    claimed = await claim_one(store, target)
    assert (claimed.delivery_id, claimed.replay_of) == (new, old)
    assert not (await deliver(store, claimed)).lost


async def test_a_purge_larger_than_a_transaction_removes_all(store: Store, target):
    await accept(store, *(arrival(owed(target)) for _ in range(300)))
    for _ in range(2):
        for _ in range(300):
            await retry(store, await claim_one(store, target), wait=0)
    for _ in range(300):
        await bury(store, await claim_one(store, target))
    rows = await store.deliveries(state=State.DEAD, limit=500)
    assert await store.purge([row.delivery_id for row in rows]) == 300
    assert await store.deliveries() == []
    assert (await store.counts())["shop", "purged"] == 300
    with pytest.raises(ValueError, match="500"):
        await store.purge([1] * 501)
