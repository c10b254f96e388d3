"""Laws of calls that wait together: each has its own answer, as if it had been alone."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.core.definition import Target
from hookgram.core.model import SECOND, State
from hookgram.errors import NotFound
from hookgram.ports import Store
from store.makers import (
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


async def test_of_repetitions_that_come_together_the_first_is_kept(store: Store, target: Target):
    same = [arrival(owed(target), update_id=7, digest=b"d" * 16) for _ in range(5)]
    answers = await asyncio.gather(*(accept(store, one) for one in same), accept(store, *same))
    flat = [acceptance for answer in answers for acceptance in answer]
    assert [acceptance is None for acceptance in flat] == [False] + [True] * 9
    assert len(await store.deliveries()) == 1
    assert (await store.counts())["", "duplicate"] == 9


async def test_what_comes_together_in_one_lane_is_claimed_in_its_order(
    store: Store, target: Target
):
    coming = [arrival(owed(target, "a")) for _ in range(5)]
    accepted = await asyncio.gather(*(accept(store, one) for one in coming))
    for [acceptance] in accepted:
        [claimed] = await claim(store, target)
        assert claimed.event.seq == acceptance
        await deliver(store, claimed)
    assert await claim(store, target) == []


async def test_events_that_come_together_keep_their_own_bytes_and_numbers(
    store: Store, target: Target
):
    coming = [arrival(owed(target), body=b"\xff%d" % n * (n + 1)) for n in range(90)]
    accepted = await asyncio.gather(*(accept(store, one) for one in coming))
    for one, [acceptance] in zip(coming, accepted, strict=True):
        kept = await store.event(one.event.event_id)
        assert (kept.seq, kept.body) == (acceptance, one.event.body)


async def test_one_that_names_no_target_fails_alone(store: Store, target: Target):
    nobody = Target(target_id=999, name="nobody", origin=target.origin)
    coming = [arrival(owed(target)), arrival(owed(nobody)), arrival(owed(target))]
    answers = await asyncio.gather(*(accept(store, one) for one in coming), return_exceptions=True)
    assert isinstance(answers[1], NotFound)
    assert [row.event_id for row in await store.deliveries()] == [
        coming[2].event.event_id,
        coming[0].event.event_id,
    ]


async def test_a_claim_that_is_settled_twice_at_once_is_settled_once(store: Store, target: Target):
    await owe(store, target, "a")
    await owe(store, target, "a")
    claimed = await claim_one(store, target)
    first, second = await asyncio.gather(deliver(store, claimed), deliver(store, claimed))
    assert (first.lost, second.lost) == (False, True)
    assert first.due is not None
    assert (await store.counts())["shop", "delivered"] == 1


async def test_a_lost_lease_beside_the_current_one_changes_nothing(
    store: Store, clock: HandClock, target: Target
):
    await owe(store, target)
    lost = await claim_one(store, target)
    clock.step(60 * SECOND)
    [current] = await store.claim_lapsed(limit=10, lease=SECOND)
    answers = await asyncio.gather(deliver(store, lost), deliver(store, current))
    assert [answer.lost for answer in answers] == [True, False]
    assert (await store.counts())["shop", "delivered"] == 1


async def test_different_settlements_at_once_each_promote_their_own_lane(
    store: Store, clock: HandClock
):
    one, two = await register(store, "one", "two")
    for target in (one, two):
        for lane in "abcd":
            await owe(store, target, lane)
            await owe(store, target, lane)
    heads = await claim(store, one, two)
    ends = (deliver, bury, retry, release)
    answers = await asyncio.gather(
        *(end(store, head) for head, end in zip(heads, ends * 2, strict=True))
    )
    assert all(answer.due is not None and not answer.lost for answer in answers)
    states = [(await store.delivery(head.delivery_id)).state for head in heads]
    assert states == [State.DELIVERED, State.DEAD, State.PENDING, State.PENDING] * 2
    clock.step(2 * SECOND)
    due = ids(await claim(store, one, two))
    repeated = [heads[place].delivery_id for place in (2, 3, 6, 7)]
    promoted = [heads[place].delivery_id + 1 for place in (0, 1, 4, 5)]
    assert sorted(due) == sorted(repeated + promoted)


@pytest.mark.parametrize("dead", [None, "rate_limited"])
async def test_an_ended_delivery_holds_up_nobody_of_its_lane(
    store: Store, target: Target, dead: str | None
):
    first = arrival(owed(target, "a", dead="unparsed"), owed(target, "a", dead=dead))
    await asyncio.gather(accept(store, first), accept(store, arrival(owed(target, "a"))))
    assert len(await claim(store, target)) == 1


@pytest.mark.parametrize("number", [1, 37, 131])
async def test_however_many_come_together_each_is_kept_known_and_settled(
    store: Store, target: Target, number: int
):
    both = [[arrival(owed(target, f"lane {n}")) for _ in range(2)] for n in range(number)]
    kept = await accept(store, *(one for pair in both for one in pair))
    assert [one is None for one in kept] == [False] * 2 * number
    assert sorted(set(kept)) == kept
    again = await accept(store, *(pair[0] for pair in both), arrival())
    assert [one is None for one in again] == [True] * number + [False]
    for place in range(2):
        claims = await claim(store, target, limit=2 * number)
        assert [one.event.update_id for one in claims] == [
            pair[place].event.update_id for pair in both
        ]
        recorded = await asyncio.gather(*(deliver(store, one) for one in claims))
        assert [one.lost for one in recorded] == [False] * number
        assert [one.due is None for one in recorded] == [bool(place)] * number
    assert (await store.counts())["shop", "delivered"] == 2 * number
