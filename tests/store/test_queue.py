"""Laws of the queue: claims, leases, tokens, settlements."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from hookgram.core.definition import Target
from hookgram.core.model import SECOND, Priority, State, Want
from hookgram.core.outcome import Dead, Retry
from hookgram.ports import Store
from store.makers import (
    LEASE,
    HandClock,
    arrival,
    attempt,
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


async def test_only_due_work_is_claimed_and_what_is_due_now_is_due(
    store: Store, clock: HandClock, target
):
    now, later = await owe(store, target), await owe(store, target, delay=1)
    assert ids(await claim(store, target)) == [now]
    clock.step(1)
    assert ids(await claim(store, target)) == [later]


async def test_claims_come_by_priority_then_due_then_id(store: Store, clock: HandClock, target):
    late = await owe(store, target, delay=2)
    early = await owe(store, target, delay=1)
    same = await owe(store, target, delay=1)
    urgent = await owe(store, target, delay=2, priority=Priority.INTERACTIVE)
    clock.step(2)
    assert ids(await claim(store, target)) == [urgent, early, same, late]


async def test_urgent_work_due_later_does_not_hide_other_work(store: Store, target):
    await owe(store, target, delay=SECOND, priority=Priority.INTERACTIVE)
    plain = await owe(store, target)
    assert ids(await claim(store, target)) == [plain]


async def test_a_claim_takes_no_more_than_is_wanted(store: Store, target):
    urgent = [await owe(store, target, priority=Priority.INTERACTIVE) for _ in range(2)]
    plain = [await owe(store, target) for _ in range(2)]
    assert ids(await claim(store, target, limit=3)) == [*urgent, plain[0]]
    assert ids(await claim(store, target, limit=0)) == []
    assert ids(await claim(store, target, limit=3)) == [plain[1]]


async def test_places_are_kept_for_urgent_work(store: Store, target):
    plain = [await owe(store, target) for _ in range(6)]
    urgent = await owe(store, target, priority=Priority.INTERACTIVE)
    assert ids(await claim(store, target, limit=3, kept=2)) == [urgent, plain[0]]
    assert ids(await claim(store, target, limit=2, kept=2)) == []
    more = [await owe(store, target, priority=Priority.INTERACTIVE) for _ in range(4)]
    assert ids(await claim(store, target, limit=4, kept=1)) == more
    assert ids(await claim(store, target, limit=4, kept=1)) == plain[1:4]


async def test_work_that_no_place_is_left_for_does_not_count_as_due(
    store: Store, clock: HandClock, target
):
    for _ in range(2):
        await owe(store, target)

    async def due(kept: int) -> int | None:
        want = Want(target_id=target.target_id, limit=2, lease=LEASE, kept=kept)
        return (await store.claim([want])).due[target.target_id]

    assert await due(kept=2) is None
    await owe(store, target, delay=7, priority=Priority.INTERACTIVE)
    assert await due(kept=1) == clock.now + 7
    await owe(store, target, delay=3)
    assert await due(kept=0) == clock.now + 3


async def test_only_wanted_targets_are_claimed_for(store: Store):
    a, b = await register(store, "a", "b")
    mine = await owe(store, a)
    await owe(store, b)
    assert ids(await claim(store, a)) == [mine]


async def test_a_claim_tells_when_each_wanted_target_has_work_next(store: Store, clock: HandClock):
    a, b, idle = await register(store, "a", "b", "idle")
    for delay in (0, 0, 5):
        await owe(store, a, delay=delay)
    await owe(store, b, delay=9)
    await owe(store, b, delay=8, priority=Priority.INTERACTIVE)
    wants = [Want(target_id=t.target_id, limit=1, lease=LEASE) for t in (a, b, idle)]
    wants.append(Want(target_id=999, limit=1, lease=LEASE))
    claimed = await store.claim(wants)
    assert claimed.due == {
        a.target_id: clock.now,
        b.target_id: clock.now + 8,
        idle.target_id: None,
        999: None,
    }
    assert len(claimed.claims) == 1


async def test_a_claim_says_what_it_is(store: Store, clock: HandClock, target):
    created = clock.now
    delivery = await owe(store, target)
    clock.step(3)
    claimed = await claim_one(store, target)
    assert (claimed.delivery_id, claimed.target_id) == (delivery, target.target_id)
    assert (claimed.attempt, claimed.failures, claimed.replay_of) == (1, 0, None)
    assert (claimed.created_at, claimed.claimed_at) == (created, clock.now)
    assert claimed.leased_until == clock.now + LEASE
    assert 0 <= claimed.token < 2**63


async def test_no_two_claimers_share_a_delivery_and_those_who_come_again_when_told_leave_none(
    open_store, clock: HandClock, target: Target
):
    replicas = [await open_store(str(n)) for n in range(3)]
    owed_ids = [await owe(replicas[0], target) for _ in range(30)]
    want = Want(target_id=target.target_id, limit=4, lease=LEASE)
    taken: list[int] = []

    async def claim_while_due(replica: Store) -> None:
        due: int | None = clock.now
        while due is not None:
            assert due <= clock.now
            claimed = await replica.claim([want])
            taken.extend(ids(list(claimed.claims)))
            due = claimed.due[target.target_id]

    await asyncio.gather(*(claim_while_due(replica) for replica in replicas for _ in range(3)))
    assert sorted(taken) == owed_ids


async def test_a_claim_is_invisible_until_its_lease_ends_and_visible_at_that_very_moment(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    first = await claim_one(store, target)
    clock.step(LEASE - 1)
    assert await claim(store, target) == []
    assert await store.claim_lapsed(limit=10, lease=LEASE) == []
    clock.step(1)
    [second] = await store.claim_lapsed(limit=10, lease=LEASE)
    assert second.delivery_id == first.delivery_id
    assert second.token != first.token
    assert second.leased_until == clock.now + LEASE
    assert await store.claim_lapsed(limit=10, lease=LEASE) == []


async def test_an_extended_lease_holds(store: Store, clock: HandClock, target):
    await owe(store, target)
    claimed = await claim_one(store, target)
    clock.step(LEASE - 1)
    assert await store.extend(claimed, LEASE)
    clock.step(LEASE - 1)
    assert await store.claim_lapsed(limit=10, lease=LEASE) == []
    clock.step(1)
    assert len(await store.claim_lapsed(limit=10, lease=LEASE)) == 1
    assert not await store.extend(claimed, LEASE)


async def test_a_lapse_is_counted_and_a_release_is_not(store: Store, clock: HandClock, target):
    await owe(store, target)
    await release(store, await claim_one(store, target))
    again = await claim_one(store, target)
    assert again.attempt == 1
    clock.step(LEASE)
    [lapsed] = await store.claim_lapsed(limit=10, lease=LEASE)
    assert lapsed.attempt == 1
    await store.settle(lapsed, Retry(wait=0, failures=1, reason="lapsed"), None)
    third = await claim_one(store, target)
    assert (third.attempt, third.failures) == (2, 1)


async def test_lapsed_claims_come_in_portions_oldest_first(store: Store, clock: HandClock, target):
    deliveries = []
    for _ in range(3):
        deliveries.append(await owe(store, target))
        await claim_one(store, target)
        clock.step(1)
    clock.step(LEASE)
    assert ids(await store.claim_lapsed(limit=2, lease=LEASE)) == deliveries[:2]
    assert ids(await store.claim_lapsed(limit=2, lease=LEASE)) == deliveries[2:]


async def test_a_new_owner_lapses_every_lease_at_once(store: Store, target):
    for _ in range(3):
        await owe(store, target)
    await claim(store, target, limit=2)
    assert await store.lapse_all() == 2
    assert len(await store.claim_lapsed(limit=10, lease=LEASE)) == 2


async def test_only_the_current_token_settles(store: Store, clock: HandClock, target):
    await owe(store, target)
    stale = await claim_one(store, target)
    clock.step(LEASE)
    [current] = await store.claim_lapsed(limit=10, lease=LEASE)
    for settle in (deliver, retry, bury, release):
        recorded = await settle(store, stale)
        assert recorded.lost
        assert recorded.due is None
    assert (await store.delivery(stale.delivery_id)).state is State.LEASED
    assert await store.attempts(stale.delivery_id) == []
    assert not (await deliver(store, current)).lost


@pytest.mark.parametrize("settle", [deliver, retry, bury, release])
async def test_a_settlement_is_recorded_once(store: Store, target, settle):
    delivery = await owe(store, target, "lane")
    claimed = await claim_one(store, target)
    assert not (await settle(store, claimed)).lost
    settled = await store.delivery(delivery)
    counts = await store.counts()
    for again in (deliver, retry, bury, release):
        assert (await again(store, claimed)).lost
    assert await store.delivery(delivery) == settled
    assert await store.counts() == counts


async def test_a_delivered_one_says_so(store: Store, clock: HandClock, target):
    delivery = await owe(store, target)
    clock.step(5)
    await deliver(store, await claim_one(store, target))
    row = await store.delivery(delivery)
    assert (row.state, row.status, row.took) == (State.DELIVERED, 200, 1_234)
    assert (row.ended_at, row.attempts, row.reason) == (clock.now, 1, None)
    assert await store.attempts(delivery) == []


async def test_a_retry_returns_at_its_time_with_the_next_number(
    store: Store, clock: HandClock, target
):
    delivery = await owe(store, target)
    first = await claim_one(store, target)
    recorded = await retry(store, first, wait=10)
    assert recorded.due == clock.now + 10
    clock.step(9)
    assert await claim(store, target) == []
    clock.step(1)
    second = await claim_one(store, target)
    assert (second.delivery_id, second.attempt, second.failures) == (delivery, 2, 1)


async def test_failures_are_what_the_settlement_says(store: Store, target):
    await owe(store, target)
    claimed = await claim_one(store, target)
    await store.settle(claimed, Retry(wait=0, failures=0, reason="http_429"), None)
    assert (await claim_one(store, target)).failures == 0


async def test_a_released_one_is_due_at_once_as_if_never_claimed(
    store: Store, clock: HandClock, target
):
    first, second = await owe(store, target), await owe(store, target)
    claimed = await claim_one(store, target)
    clock.step(1)
    recorded = await release(store, claimed)
    assert recorded.due is not None
    assert recorded.due <= clock.now
    assert ids(await claim(store, target)) == [first, second]
    assert (await store.delivery(first)).attempts == 1


async def test_a_release_is_due_at_once_also_when_the_clock_went_back(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    claimed = await claim_one(store, target)
    clock.step(-SECOND)
    await release(store, claimed)
    assert len(await claim(store, target)) == 1


async def test_a_dead_letter_keeps_its_reason_and_its_attempts(
    store: Store, clock: HandClock, target
):
    delivery = await owe(store, target)
    await retry(store, await claim_one(store, target), wait=0)
    claimed = await claim_one(store, target)
    last = attempt(claimed, 410, error="gone", excerpt="é\x00", members='[{"a":1}]')
    await store.settle(claimed, Dead(reason="http_410", failures=2), last)
    row = await store.delivery(delivery)
    assert (row.state, row.reason, row.failures, row.attempts) == (State.DEAD, "http_410", 2, 2)
    assert (row.status, row.ended_at) == (410, clock.now)
    first, second = await store.attempts(delivery)
    assert (first.number, first.status, first.error) == (1, 500, "http_500")
    assert (second.number, second.excerpt, second.members) == (2, "é\x00", '[{"a":1}]')
    assert second.took == 1_234


async def test_a_first_try_that_delivered_leaves_no_attempt_a_later_one_does(store: Store, target):
    delivery = await owe(store, target)
    await retry(store, await claim_one(store, target), wait=0)
    await deliver(store, await claim_one(store, target))
    assert [a.number for a in await store.attempts(delivery)] == [1, 2]


async def test_due_tells_when_each_target_has_pending_work_next(store: Store, clock: HandClock):
    a, b, paused, gone, idle = await register(store, "a", "b", "paused", "gone", "idle")
    await owe(store, a, delay=5)
    await owe(store, a, delay=3, priority=Priority.INTERACTIVE)
    await owe(store, b, "lane")
    await owe(store, b, "lane")
    for other in (paused, gone):
        await owe(store, other)
    await store.pause("paused")
    await store.remove("gone")
    now = clock.now
    assert await store.due() == {a.target_id: now + 3, b.target_id: now}
    await claim(store, b)
    assert await store.due() == {a.target_id: now + 3}
    assert idle.target_id not in await store.due()


async def test_a_cancelled_claim_is_released(store: Store, clock: HandClock, target):
    await owe(store, target)
    claiming = asyncio.ensure_future(claim(store, target))
    await asyncio.sleep(0)
    claiming.cancel()
    await asyncio.wait([claiming])
    await store.probe()  # comes back after what was asked before it
    await store.probe()
    again = await claim_one(store, target)
    assert again.attempt == 1


async def test_a_cancelled_take_over_lapses_again_and_stays_counted(
    store: Store, clock: HandClock, target
):
    await owe(store, target)
    await claim_one(store, target)
    clock.step(LEASE)
    taking = asyncio.ensure_future(store.claim_lapsed(limit=1, lease=LEASE))
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    await store.probe()
    await store.probe()
    [lapsed] = await store.claim_lapsed(limit=1, lease=LEASE)
    assert lapsed.attempt == 1


async def test_a_cancelled_call_leaves_nothing_half_done(store: Store):
    a, b = await register(store, "a", "b")
    accepting = [
        asyncio.ensure_future(store.accept([arrival(owed(a), owed(b)), arrival(owed(a))]))
        for _ in range(20)
    ]
    await asyncio.sleep(0)
    for one in accepting[::2]:
        one.cancel()
    await asyncio.wait(accepting)
    await store.probe()
    counts = await store.counts()
    assert counts["a", "created"] == 2 * counts["b", "created"]
    assert counts["", "accepted"] == counts["a", "created"]
    assert await store.deliveries(target="b", limit=500) == [
        row for row in await store.deliveries(limit=500) if row.target == "b"
    ]


async def test_a_call_that_fails_does_not_harm_those_beside_it(store: Store, target):
    good = [store.accept([arrival(owed(target))]) for _ in range(10)]
    bad = [store.accept([arrival(owed(target), chat_id=2**70)]) for _ in range(3)]
    answers = await asyncio.gather(*good[:5], *bad, *good[5:], return_exceptions=True)
    failed = [isinstance(answer, Exception) for answer in answers]
    assert failed == [False] * 5 + [True] * 3 + [False] * 5
    counts = await store.counts()
    assert counts["", "accepted"] == counts["shop", "created"] == 10
    assert len(await store.deliveries()) == 10


async def test_an_attempt_that_is_kept_again_replaces_what_was_kept_of_it(store: Store, target):
    await owe(store, target)
    claimed = await claim_one(store, target)
    await deliver(store, claimed)
    assert await store.attempts(claimed.delivery_id) == []
    for members in ("[1]", "[2]"):
        await store.keep(claimed.delivery_id, attempt(claimed, members=members))
    [row] = await store.attempts(claimed.delivery_id)
    assert (row.number, row.status, row.members) == (1, 200, "[2]")
    assert (await store.delivery(claimed.delivery_id)).state is State.DELIVERED


async def test_nothing_is_kept_of_a_delivery_that_is_gone(store: Store, target):
    await owe(store, target)
    claimed = await claim_one(store, target)
    gone = msgspec.structs.replace(claimed, delivery_id=claimed.delivery_id + 1)
    await store.keep(gone.delivery_id, attempt(gone))
    assert await store.attempts(gone.delivery_id) == []
