"""Laws of forgetting."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.core.model import DAY, HOUR, Forgotten, State
from hookgram.core.outcome import Retry
from hookgram.errors import NotFound
from hookgram.ports import Store
from store.makers import (
    START,
    HandClock,
    accept,
    arrival,
    attempt,
    bury,
    claim,
    claim_one,
    deliver,
    owe,
    owed,
    register,
    retry,
)

NEVER = 1_000 * DAY


async def forget(store: Store, *, retention=NEVER, dead_retention=NEVER, dedup=NEVER) -> Forgotten:
    """Forget all there is to forget; the sum of the steps."""
    events = dead = seen = 0
    for _ in range(100):
        step = await store.forget(retention=retention, dead_retention=dead_retention, dedup=dedup)
        events, dead, seen = events + step.events, dead + step.dead, seen + step.seen
        if not step.more:
            return Forgotten(events=events, dead=dead, seen=seen)
    raise AssertionError("forgetting does not end")


async def kept(store: Store, *event_ids: str) -> list[bool]:
    found = []
    for event_id in event_ids:
        try:
            await store.event(event_id)
            found.append(True)
        except NotFound:
            found.append(False)
    return found


async def test_nothing_unsettled_is_ever_forgotten(store: Store, clock: HandClock, target):
    await owe(store, target, "a")
    await owe(store, target, "a")
    await owe(store, target)
    await claim(store, target, limit=1)
    rows = await store.deliveries()
    clock.step(400 * DAY)
    assert await forget(store, retention=0, dead_retention=0, dedup=0) == Forgotten(seen=3)
    assert await store.deliveries() == rows


async def test_an_event_goes_when_it_was_settled_long_enough_ago(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    [row] = await store.deliveries()
    clock.step(HOUR)
    await deliver(store, await claim_one(store, target))
    clock.step(DAY - 1)
    assert await forget(store, retention=DAY) == Forgotten()
    clock.step(1)
    assert await forget(store, retention=DAY) == Forgotten(events=1)
    assert await kept(store, row.event_id) == [False]
    assert await store.deliveries() == []


async def test_with_a_retention_of_nothing_it_goes_at_once(store: Store, target):
    await owe(store, target)
    await deliver(store, await claim_one(store, target))
    assert await forget(store, retention=0) == Forgotten(events=1)


async def test_an_event_stays_while_any_delivery_of_it_is_unsettled_or_dead(
    store: Store, clock: HandClock
):
    a, b = await register(store, "a", "b")
    open_one, dead_one = arrival(owed(a), owed(b)), arrival(owed(a), owed(b, dead="x"))
    await accept(store, open_one, dead_one)
    for _ in range(2):
        await deliver(store, await claim_one(store, a))
    clock.step(2 * DAY)
    assert await forget(store, retention=DAY) == Forgotten()
    await deliver(store, await claim_one(store, b))
    assert await forget(store, retention=DAY) == Forgotten()
    clock.step(DAY)
    assert await forget(store, retention=DAY) == Forgotten(events=1)
    assert await kept(store, open_one.event.event_id, dead_one.event.event_id) == [False, True]
    assert len(await store.deliveries()) == 2


async def test_a_dead_letter_goes_after_its_own_time_and_is_counted(
    store: Store, clock: HandClock, target
):
    delivery = await owe(store, target)
    await retry(store, await claim_one(store, target), wait=0)
    await bury(store, await claim_one(store, target))
    clock.step(14 * DAY - 1)
    assert await forget(store, retention=0, dead_retention=14 * DAY) == Forgotten()
    assert len(await store.attempts(delivery)) == 2
    clock.step(1)
    assert await forget(store, retention=0, dead_retention=14 * DAY) == Forgotten(events=1, dead=1)
    assert await store.attempts(delivery) == []
    assert (await store.counts())["shop", "purged"] == 1


async def test_a_dead_letters_siblings_go_with_it_if_nothing_else_keeps_them(
    store: Store, clock: HandClock
):
    a, b, c = await register(store, "a", "b", "c")
    await accept(store, arrival(owed(a), owed(b, dead="x"), owed(c)))
    await deliver(store, await claim_one(store, a))
    clock.step(DAY)
    await deliver(store, await claim_one(store, c))
    assert await forget(store, retention=HOUR, dead_retention=DAY) == Forgotten(dead=1)
    assert [row.target for row in await store.deliveries()] == ["c", "a"]
    clock.step(HOUR)
    assert await forget(store, retention=HOUR, dead_retention=DAY) == Forgotten(events=1)
    assert await store.deliveries() == []


async def test_the_last_of_two_dead_letters_takes_the_event_along(store: Store, clock: HandClock):
    a, b = await register(store, "a", "b")
    await accept(store, arrival(owed(a, dead="x"), owed(b)))
    clock.step(HOUR)
    await bury(store, await claim_one(store, b))
    clock.step(DAY - HOUR)
    assert await forget(store, retention=0, dead_retention=DAY) == Forgotten(dead=1)
    clock.step(HOUR)
    assert await forget(store, retention=0, dead_retention=DAY) == Forgotten(dead=1, events=1)


async def test_an_unrouted_event_goes_by_when_it_was_received(store: Store, clock: HandClock):
    one, two = arrival(received_at=START - HOUR), arrival(received_at=START)
    await accept(store, one, two)
    assert await forget(store, retention=HOUR) == Forgotten(events=1)
    assert await kept(store, one.event.event_id, two.event.event_id) == [False, True]


async def test_what_a_replay_names_may_be_gone(store: Store, clock: HandClock, target):
    old = await owe(store, target)
    await bury(store, await claim_one(store, target))
    [new] = await store.replay([old])
    clock.step(DAY)
    assert await forget(store, retention=0, dead_retention=DAY) == Forgotten(dead=1)
    claimed = await claim_one(store, target)
    assert (claimed.delivery_id, claimed.replay_of) == (new, old)
    await deliver(store, claimed)
    assert await forget(store, retention=0, dead_retention=DAY) == Forgotten(events=1)


async def test_an_event_replayed_before_it_is_forgotten_stays(
    store: Store, clock: HandClock, target
):
    old = await owe(store, target)
    await deliver(store, await claim_one(store, target))
    clock.step(DAY)
    await store.replay([old])
    assert await forget(store, retention=DAY) == Forgotten()
    await deliver(store, await claim_one(store, target))
    clock.step(DAY)
    assert await forget(store, retention=DAY) == Forgotten(events=1)


async def test_a_key_is_forgotten_after_its_window(store: Store, clock: HandClock, target):
    await accept(store, arrival(update_id=7))
    clock.step(72 * HOUR - 1)
    assert await forget(store, dedup=72 * HOUR) == Forgotten()
    [again] = await accept(store, arrival(update_id=7))
    assert again is None
    clock.step(1)
    assert await forget(store, dedup=72 * HOUR) == Forgotten(seen=1)
    [again] = await accept(store, arrival(update_id=7))
    assert again is not None


async def test_numbers_are_never_used_again(store: Store, clock: HandClock, target):
    delivery = await owe(store, target)
    [row] = await store.deliveries()
    await deliver(store, await claim_one(store, target))
    await forget(store, retention=0, dedup=0)
    assert await owe(store, target) > delivery
    [again] = await store.deliveries()
    assert again.event_seq > row.event_seq


async def test_a_step_is_bounded_and_the_rest_follows(store: Store, clock: HandClock, target):
    for _ in range(4):
        await accept(store, *(arrival(owed(target)) for _ in range(200)))
    claims = await claim(store, target, limit=1_000)
    await asyncio.gather(*(deliver(store, one) for one in claims))
    clock.step(DAY)
    first = await store.forget(retention=DAY, dead_retention=DAY, dedup=NEVER)
    assert 0 < first.events <= 250
    assert first.more
    rest = await forget(store, retention=DAY)
    assert first.events + rest.events == 800


async def test_an_event_of_more_rows_than_a_step_is_forgotten_in_several(
    store: Store, clock: HandClock
):
    shops = await register(store, *(f"shop{n}" for n in range(700)))
    await accept(store, arrival(*(owed(shop) for shop in shops)), arrival(owed(shops[0])))
    for claimed in await claim(store, *shops):
        await deliver(store, claimed)
    assert await forget(store, retention=0) == Forgotten(events=2)
    assert await store.deliveries() == []


async def test_a_delivery_of_more_attempts_than_a_step_is_forgotten_in_several(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    for _ in range(1_100):
        claimed = await claim_one(store, target)
        asked = Retry(wait=0, failures=0, reason="http_429")
        await store.settle(claimed, asked, attempt(claimed, 429))
    await bury(store, await claim_one(store, target))
    assert await forget(store, retention=0, dead_retention=0) == Forgotten(events=1, dead=1)
    assert await store.deliveries() == []


async def test_kept_events_are_not_walked_over_each_time(store: Store, clock: HandClock):
    a, b = await register(store, "a", "b")
    await accept(store, *(arrival(owed(a), owed(b)) for _ in range(600)))
    for claimed in await claim(store, a, limit=600):
        await deliver(store, claimed)
    clock.step(1)
    steps = [await store.forget(retention=0, dead_retention=NEVER, dedup=NEVER) for _ in range(3)]
    assert [step.more for step in steps] == [True, False, False]
    for claimed in await claim(store, b, limit=600):
        await deliver(store, claimed)
    assert await forget(store, retention=0) == Forgotten(events=600)


async def test_what_ended_while_the_clock_went_back_is_forgotten_too(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    await deliver(store, await claim_one(store, target))
    assert await forget(store, retention=0) == Forgotten(events=1)
    clock.step(-HOUR)
    await owe(store, target)
    await deliver(store, await claim_one(store, target))
    clock.step(DAY + 2 * HOUR)
    assert await forget(store, retention=0) == Forgotten(events=1)


async def test_refused_chats_are_bounded_and_the_latest_stay(store: Store, clock: HandClock):
    for chat in range(0, 10_050, 150):
        await asyncio.gather(*(store.refuse(1, chat + n, "group") for n in range(150)))
        clock.step(1)
    await forget(store)
    chats = await store.refused_chats(limit=500)
    assert chats[0].chat_id >= 9_900
    await store.refuse(1, 9_999, "group")
    oldest = [chat for chat in chats if chat.count > 1]
    assert oldest == []


@pytest.mark.parametrize("state", [State.DELIVERED, State.CANCELLED])
async def test_cancelled_events_are_forgotten_as_delivered_ones(store: Store, target, state):
    await owe(store, target)
    if state is State.CANCELLED:
        await store.remove("shop")
    else:
        await deliver(store, await claim_one(store, target))
    assert await forget(store, retention=0) == Forgotten(events=1)


async def test_what_ends_at_the_very_moment_of_forgetting_is_not_passed_by(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    await owe(store, target)
    first, second = await claim(store, target)
    step = store.forget(retention=0, dead_retention=NEVER, dedup=NEVER)
    _, forgotten, _ = await asyncio.gather(deliver(store, second), step, deliver(store, first))
    clock.step(1)
    rest = await forget(store, retention=0)
    assert forgotten.events + rest.events == 2
