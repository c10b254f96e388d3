"""Laws of the target book."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.core.definition import Origin
from hookgram.core.model import Priority, State
from hookgram.errors import NotFound
from hookgram.ports import Store
from store.makers import (
    HandClock,
    accept,
    arrival,
    bury,
    claim,
    claim_one,
    definition,
    deliver,
    ids,
    owe,
    owed,
    register,
    retry,
)


async def test_a_target_is_its_name(store: Store):
    [before] = await store.register([definition("shop")])
    changed = definition("shop", urls=("https://other.example.com",), origin=Origin.FILE)
    [after] = await store.register([changed])
    assert after.target_id == before.target_id
    assert after.definition == changed
    assert after.origin is Origin.FILE


async def test_a_name_no_longer_configured_is_an_orphan_whose_work_waits(store: Store, target):
    delivery = await owe(store, target)
    orphan, other = await store.register([definition("other")])
    assert (orphan.name, orphan.definition) == ("shop", None)
    assert other.definition is not None
    assert (await store.delivery(delivery)).state is State.PENDING


async def test_registering_keeps_the_pause(store: Store, target):
    await store.pause("shop")
    [again] = await store.register([definition("shop")])
    assert again.paused


async def test_a_paused_targets_work_waits(store: Store, target):
    delivery = await owe(store, target)
    await store.pause("shop")
    assert await claim(store, target) == []
    await store.resume("shop")
    assert ids(await claim(store, target)) == [delivery]


async def test_what_was_claimed_before_the_pause_can_be_settled(store: Store, target):
    await owe(store, target)
    claimed = await claim_one(store, target)
    await store.pause("shop")
    assert not (await deliver(store, claimed)).lost


async def test_a_removed_targets_work_is_cancelled(store: Store, clock: HandClock):
    shop, other = await register(store, "shop", "other")
    waiting = [await owe(store, shop, "a"), await owe(store, shop, "a"), await owe(store, shop)]
    leased = await claim_one(store, shop)
    ended = await owe(store, shop, dead="rate_limited")
    safe = await owe(store, other, "a")
    assert await store.remove("shop") == 3
    for delivery in waiting:
        row = await store.delivery(delivery)
        assert (row.state, row.reason) == (State.CANCELLED, "target_removed")
        assert row.ended_at == clock.now
    assert (await store.delivery(ended)).state is State.DEAD
    assert (await deliver(store, leased)).lost
    assert ids(await claim(store, shop, other)) == [safe]
    assert [t.name for t in await store.register([])] == ["other"]


async def test_a_removal_larger_than_a_transaction_cancels_all(store: Store, target):
    lanes = [str(n % 400) for n in range(1_300)]
    await accept(store, *(arrival(owed(target, lane)) for lane in lanes))
    await claim(store, target, limit=30)
    assert await store.remove("shop") == 1_300
    assert await store.deliveries(state=State.WAITING) == []
    assert await store.deliveries(state=State.PENDING) == []
    assert await store.deliveries(state=State.LEASED) == []
    assert (await store.counts())["shop", "cancelled"] == 1_300


async def test_a_removal_goes_on_when_its_caller_is_gone(store: Store, target):
    await accept(store, *(arrival(owed(target, "a")) for _ in range(1_200)))
    removing = asyncio.ensure_future(store.remove("shop"))
    await asyncio.sleep(0)
    removing.cancel()
    await asyncio.wait([removing])
    for _ in range(4):  # each comes back behind one step of the removal
        await store.probe()
    assert (await store.counts())["shop", "cancelled"] == 1_200


async def test_a_removed_name_may_come_back_as_another_target(store: Store, target):
    old = await owe(store, target)
    await store.remove("shop")
    [again] = await store.register([definition("shop")])
    assert again.target_id != target.target_id
    assert await claim(store, again) == []
    new = await owe(store, again)
    assert ids(await claim(store, again)) == [new]
    assert [r.delivery_id for r in await store.deliveries(target="shop")] == [new, old]


async def test_a_replay_is_a_new_delivery_that_names_the_old_one(
    store: Store, clock: HandClock, target
):
    old = await owe(store, target, priority=Priority.INTERACTIVE)
    plain = await owe(store, target)
    await bury(store, await claim_one(store, target))
    clock.step(5)
    [new] = await store.replay([old])
    claimed = await claim_one(store, target)
    assert claimed.delivery_id == new != old
    assert claimed.replay_of == old
    assert (claimed.attempt, claimed.failures, claimed.created_at) == (1, 0, clock.now)
    assert claimed.event.event_id == (await store.delivery(old)).event_id
    assert (await store.delivery(old)).state is State.DEAD
    assert ids(await claim(store, target)) == [plain]
    assert (await store.counts())["shop", "created"] == 3


async def test_what_was_delivered_can_be_replayed_too(store: Store, target):
    old = await owe(store, target)
    await deliver(store, await claim_one(store, target))
    assert len(await store.replay([old, old])) == 2


async def test_a_replay_of_what_is_gone_makes_none(store: Store):
    shop, gone = await register(store, "shop", "gone")
    old = await owe(store, shop, dead="x")
    lost = await owe(store, gone, dead="x")
    await store.remove("gone")
    for names in ([old, 999], [old, lost]):
        with pytest.raises(NotFound):
            await store.replay(names)
    assert (await store.counts())["shop", "created"] == 1
    with pytest.raises(ValueError, match="500"):
        await store.replay([old] * 501)


async def test_what_is_unknown_raises_not_found(store: Store, target):
    await store.remove("shop")
    for act in (store.pause, store.resume, store.remove):
        for name in ("shop", "nobody"):
            with pytest.raises(NotFound):
                await act(name)


async def test_another_replicas_pause_holds_here_too(open_store, target):
    one, two = await open_store("one"), await open_store("two")
    await owe(one, target)
    await two.pause("shop")
    assert await claim(one, target) == []


async def test_a_retry_that_meets_a_removal_is_cancelled(store: Store, target):
    await owe(store, target)
    claimed = await claim_one(store, target)
    await asyncio.gather(store.remove("shop"), retry(store, claimed, wait=0))
    assert (await store.delivery(claimed.delivery_id)).state is State.CANCELLED
