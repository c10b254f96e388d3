"""Laws of the inbox."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.core.model import UNPARSED, Owed, State
from hookgram.errors import GatewayError
from hookgram.ports import Store
from store.makers import (
    START,
    HandClock,
    accept,
    arrival,
    attempt,
    claim,
    claim_one,
    definition,
    deliver,
    owe,
    owed,
    register,
)


async def test_an_update_is_accepted_once_per_key(store: Store, target):
    first = await accept(store, arrival(owed(target), update_id=7))
    again = await accept(store, arrival(owed(target), update_id=7))
    assert first[0] is not None
    assert again[0] is None
    assert len(await store.deliveries()) == 1


async def test_the_same_key_twice_in_one_call_is_one_event(store: Store, target):
    answers = await accept(
        store, arrival(owed(target), update_id=7), arrival(owed(target), update_id=7)
    )
    assert [answer is None for answer in answers] == [False, True]


async def test_the_same_key_in_calls_at_the_same_moment_is_one_event(store: Store, target):
    answers = await asyncio.gather(
        *(accept(store, arrival(owed(target), update_id=7)) for _ in range(20))
    )
    assert sorted(answer is None for [answer] in answers) == [False] + [True] * 19


async def test_two_replicas_accept_a_key_once(open_store, target):
    one, two = await open_store("one"), await open_store("two")
    answers = await asyncio.gather(
        *(accept(s, arrival(owed(target), update_id=n)) for n in range(1, 21) for s in (one, two))
    )
    assert sum(answer is None for [answer] in answers) == 20


@pytest.mark.parametrize("field", ["update_id", "digest", "bot_id"])
async def test_another_update_id_another_content_or_another_bot_is_another_key(
    store: Store, target, field
):
    same = {"update_id": 7, "digest": b"d" * 16, "bot_id": 1}
    other = {"update_id": 8, "digest": b"e" * 16, "bot_id": 2}
    await accept(store, arrival(owed(target), **same))
    [answer] = await accept(store, arrival(owed(target), **same | {field: other[field]}))
    assert answer is not None


async def test_bodies_without_an_update_id_are_told_apart_by_their_bytes(store: Store):
    def unreadable(digest: bytes):
        one = arrival(digest=digest, kind=UNPARSED)
        return type(one)(event=_without_update_id(one.event), digest=digest, owed=())

    answers = await accept(store, unreadable(b"a" * 16), unreadable(b"b" * 16))
    [again] = await accept(store, unreadable(b"a" * 16))
    assert [answer is None for answer in [*answers, again]] == [False, False, True]


def _without_update_id(event):
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**fields | {"update_id": None})


async def test_event_and_deliveries_are_all_or_nothing(store: Store, target):
    nowhere = Owed(target_id=999)
    with pytest.raises(GatewayError):
        await accept(
            store, arrival(owed(target), update_id=1), arrival(owed(target), nowhere, update_id=2)
        )
    assert await store.deliveries() == []
    assert await store.counts() == {}
    answers = await accept(store, arrival(owed(target), update_id=1))
    assert answers[0] is not None


async def test_bytes_and_microseconds_come_back_as_they_went_in(store: Store, target):
    body = bytes(range(256)) + b'{"a": 1.0, "b":"\\ud800"}\xff\x00'
    fields = {
        "body": body,
        "chat_id": -(2**63),
        "user_id": 2**63 - 1,
        "received_at": START + 1,
        "expires_at": START + 3,
        "kind": "callback_query",
        "lane": "q:�\x00é",
        "event_id": "evt_01J00000000000000000000000",
        "bot_id": 2**52,
    }
    [answer] = await accept(store, arrival(owed(target), update_id=2**31, **fields))
    [claimed] = await claim(store, target)
    assert claimed.event == await store.event("evt_01J00000000000000000000000")
    assert claimed.event.seq == answer
    assert {name: getattr(claimed.event, name) for name in fields} == fields
    assert claimed.event.update_id == 2**31


async def test_what_is_not_there_is_none_and_an_empty_body_is_empty(store: Store):
    one = arrival(chat_id=None, user_id=None, lane=None, expires_at=None, body=b"")
    await accept(store, one)
    kept = await store.event(one.event.event_id)
    assert (kept.chat_id, kept.user_id, kept.lane, kept.expires_at) == (None, None, None, None)
    assert kept.body == b""


async def test_events_are_numbered_in_the_order_of_the_call(store: Store):
    answers = await accept(store, *(arrival() for _ in range(5)))
    numbers = [*answers]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 5


async def test_one_event_makes_one_delivery_for_each_target(store: Store):
    a, b = await register(store, "a", "b")
    await accept(store, arrival(owed(a), owed(b)))
    [for_a] = await claim(store, a)
    [for_b] = await claim(store, b)
    assert for_a.event == for_b.event
    assert for_a.delivery_id != for_b.delivery_id


async def test_what_is_owed_dead_is_a_dead_letter_at_once(store: Store, clock: HandClock, target):
    delivery = await store.delivery(await owe(store, target, dead=UNPARSED, kind=UNPARSED))
    assert (delivery.state, delivery.reason) == (State.DEAD, UNPARSED)
    assert (delivery.attempts, delivery.failures) == (0, 0)
    assert delivery.ended_at == clock.now
    assert await claim(store, target) == []


async def test_a_delay_makes_it_due_later(store: Store, clock: HandClock, target):
    await owe(store, target, delay=7)
    clock.step(6)
    assert await claim(store, target) == []
    clock.step(1)
    assert len(await claim(store, target)) == 1


async def test_what_is_owed_to_a_removed_target_is_cancelled_at_once(store: Store, target):
    await store.remove(target.name)
    await accept(store, arrival(owed(target, "lane")))
    [delivery] = await store.deliveries()
    assert (delivery.state, delivery.reason) == (State.CANCELLED, "target_removed")
    counts = await store.counts()
    assert (counts["shop", "created"], counts["shop", "cancelled"]) == (1, 1)


async def test_a_refused_chat_is_remembered_and_counted(store: Store, clock: HandClock):
    await store.refuse(42, -100, "group")
    await store.refuse(42, 7, "private")
    clock.step(5)
    await store.refuse(42, -100, None)
    chats = await store.refused_chats()
    assert [(c.chat_id, c.chat_kind, c.count) for c in chats] == [
        (-100, "group", 2),
        (7, "private", 1),
    ]
    assert chats[0].last_seen == clock.now
    assert (await store.counts())["", "refused.not_authorized"] == 3


async def test_all_is_there_after_the_store_is_opened_again(open_store, clock: HandClock):
    before = await open_store()
    [shop] = await register(before, "shop")
    for lane in ("a", "a", "b"):
        await owe(before, shop, lane)
    await deliver(before, await claim_one(before, shop))
    rows, counts = await before.deliveries(), await before.counts()
    await before.close()
    after = await open_store()
    assert await after.deliveries() == rows
    assert await after.counts() == counts
    assert [t.target_id for t in await after.register([definition("shop")])] == [shop.target_id]
    assert attempt(await claim_one(after, shop)).number == 1
