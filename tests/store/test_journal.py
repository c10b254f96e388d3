"""Laws of what people look at."""

from __future__ import annotations

import pytest

from hookgram.core.model import State
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
)


async def test_deliveries_are_listed_newest_first_in_pages(store: Store, target):
    made = [await owe(store, target) for _ in range(5)]
    first = await store.deliveries(limit=2)
    second = await store.deliveries(limit=2, before=first[-1].delivery_id)
    assert [row.delivery_id for row in [*first, *second]] == made[:0:-1]


async def test_pages_are_stable_while_rows_arrive(store: Store, target):
    made = [await owe(store, target) for _ in range(6)]
    seen: list[int] = []
    for filters in ({}, {"target": "shop"}, {"state": State.PENDING}):
        seen, before = [], None
        while page := await store.deliveries(limit=2, before=before, **filters):
            seen += [row.delivery_id for row in page]
            before = seen[-1]
            await owe(store, target)
        assert [number for number in seen if number in made] == made[::-1]
        assert seen == sorted(set(seen), reverse=True)


async def test_a_list_can_be_of_one_target_or_one_state_or_both(store: Store):
    a, b = await register(store, "a", "b")
    await accept(store, *(arrival(owed(a, "x"), owed(b)) for _ in range(4)))
    await deliver(store, await claim_one(store, a))
    await bury(store, await claim_one(store, b))
    everything = await store.deliveries()
    assert len(everything) == 8
    for name in (None, "a", "b", "nobody"):
        for state in (None, *State):
            expected = [
                row
                for row in everything
                if (name is None or row.target == name) and (state is None or row.state is state)
            ]
            assert await store.deliveries(target=name, state=state) == expected
            assert await store.deliveries(target=name, state=state, limit=1) == expected[:1]


async def test_a_page_holds_at_most_five_hundred(store: Store, target):
    await accept(store, *(arrival(owed(target)) for _ in range(510)))
    assert len(await store.deliveries(limit=10_000)) == 500
    assert len(await store.deliveries(limit=10_000, target="shop")) == 500
    assert await store.deliveries(limit=-1) == []


async def test_a_row_tells_what_its_delivery_and_event_are(store: Store, clock: HandClock, target):
    created = clock.now
    delivery = await owe(store, target, "a", delay=5, kind="poll", update_id=77)
    row = await store.delivery(delivery)
    event = await store.event(row.event_id)
    assert (row.event_seq, row.update_id, row.kind, row.target) == (event.seq, 77, "poll", "shop")
    assert (row.state, row.attempts, row.failures) == (State.PENDING, 0, 0)
    assert (row.created_at, row.due_at, row.ended_at) == (created, created + 5, None)
    assert (row.status, row.took, row.reason, row.replay_of) == (None, None, None, None)
    assert [row] == await store.deliveries()


async def test_what_is_not_there_raises_not_found(store: Store):
    with pytest.raises(NotFound):
        await store.delivery(1)
    with pytest.raises(NotFound):
        await store.event("evt_nothing")
    assert await store.attempts(1) == []
    assert await store.refused_chats() == []
