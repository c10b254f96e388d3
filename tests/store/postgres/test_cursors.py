"""Claims begin where the last ones came to, when all before is finished; and miss nothing by it."""

from __future__ import annotations

import asyncio

import pytest

from fakes.postgres import connected
from hookgram.core.model import MINUTE, Micros, Want
from hookgram.store.postgres import PostgresStore, cursors
from hookgram.store.postgres.transaction import View
from store.makers import LEASE, accept, arrival, claim, deliver, owe, owed, register, release
from store.postgres.test_cost import Pages

FINISHED = 4_000


@pytest.fixture
async def store(replica, monkeypatch) -> PostgresStore:
    """A replica to which every walk from the start is dear for a long time."""
    monkeypatch.setattr(cursors, "DEAR", -1)
    monkeypatch.setattr(cursors, "REST", 10**9)
    monkeypatch.setattr(cursors, "LONGEST", MINUTE)
    monkeypatch.setattr(cursors, "MARGIN", 0)
    return await replica(clock=None)


async def finish(store: PostgresStore, target, rows: int) -> None:
    for _ in range(0, rows, 500):
        await accept(store, *(arrival(owed(target)) for _ in range(500)))
        await asyncio.gather(
            *(deliver(store, one) for one in await claim(store, target, limit=500))
        )


async def later(store: PostgresStore, by: Micros) -> None:
    """Have the time come at which claims begin at the beginning again."""
    clock = store._cursors.clock
    store._cursors.clock = lambda: clock() + by


async def test_a_claim_does_not_walk_over_what_was_finished_under_an_old_snapshot(
    store, url, monkeypatch
):
    [target] = await register(store, "shop")
    async with connected(url) as other:
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await other.fetch("SELECT count(*) FROM event")
        await finish(store, target, FINISHED)
        for _ in range(3):
            await owe(store, target)
        from_start, from_there = [await pages_of_claim(store, target, f) for f in (True, False)]
    assert 3 * from_there < from_start


async def pages_of_claim(store: PostgresStore, target, afresh: bool) -> int:
    if afresh:
        store._cursors.forget(target.target_id)
    plain = View.rows
    with pytest.MonkeyPatch.context() as patched:
        cost, claims = await Pages(patched).of(claim(store, target, limit=1))
    assert View.rows is plain
    assert len(claims) == 1
    return cost


async def test_what_we_put_back_ourselves_is_claimed_at_once(store):
    [target] = await register(store, "shop")
    await finish(store, target, 500)
    for _ in range(3):
        await owe(store, target, "lane")
    [head] = await claim(store, target)
    await release(store, head)
    [again] = await claim(store, target)
    assert again.delivery_id == head.delivery_id
    await deliver(store, again)
    [following] = await claim(store, target)
    assert following.delivery_id > head.delivery_id


async def test_what_another_put_back_is_looked_for_at_a_moment_that_the_claim_names(store, replica):
    other = await replica(clock=None)
    [target] = await register(store, "shop")
    await owe(store, target)
    [taken] = await claim(other, target)
    await finish(store, target, 500)
    await release(other, taken)
    want = Want(target_id=target.target_id, limit=5, lease=LEASE)
    early = await store.claim([want])
    assert early.claims == ()
    moment = early.due[target.target_id]
    assert moment is not None
    await later(store, moment - store.clock())
    assert [one.delivery_id for one in (await store.claim([want])).claims] == [taken.delivery_id]


async def test_a_clock_that_was_set_back_does_not_keep_claims_from_the_start(store):
    [target] = await register(store, "shop")
    await finish(store, target, 500)
    await later(store, -3 * MINUTE)
    assert store._cursors.at(target.target_id, store._cursors.clock()) == cursors.Cursor()


async def test_a_cheap_walk_is_simply_done_again(replica):
    store = await replica()
    [target] = await register(store, "shop")
    await finish(store, target, 500)
    assert store._cursors.at(target.target_id, store.clock()) == cursors.Cursor()
