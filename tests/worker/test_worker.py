"""The laws of the worker, at a real store."""

from __future__ import annotations

import asyncio

from fakes.scripted_channel import status
from hookgram.core.facts import (
    BreakerClosed,
    BreakerOpened,
    DeliverySettled,
    LeaseLost,
    TargetHeld,
    TaskFailed,
    WorkerStopped,
)
from hookgram.core.model import MINUTE, SECOND, Claimed, State, Want
from hookgram.core.outcome import Dead, Delivered, Released, Retry
from hookgram.core.retry import RetryPolicy
from hookgram.errors import StoreUnavailable
from hookgram.worker.desk import FIRST_REST, LONGEST_REST


async def states(shop) -> dict[int, State]:
    return {row.event_seq: row.state for row in await shop.store.deliveries(limit=500)}


async def test_work_is_found_by_a_wake_and_without_one(shop):
    await shop.target("a")
    before = await shop.accept("a")
    async with shop.at_work() as worker:
        await shop.facts.wait(DeliverySettled)
        after = await shop.accept("a")
        worker.wake([shop.targets["a"].target_id])
        await shop.facts.wait(DeliverySettled, count=2)
    assert await states(shop) == {before: State.DELIVERED, after: State.DELIVERED}


async def test_a_slow_target_costs_the_others_nothing(shop):
    slow, _ = await shop.target("slow"), await shop.target("quick")
    slow.gate.clear()
    async with shop.at_work() as worker:
        for _ in range(100):
            await shop.accept("slow", "quick")
        worker.wake()
        await shop.facts.wait(DeliverySettled, count=100, where=lambda fact: fact.target == "quick")
        assert shop.facts.of(DeliverySettled, lambda fact: fact.target == "slow") == []
        slow.gate.set()
        await shop.facts.wait(DeliverySettled, count=200)


async def test_no_more_attempts_are_in_flight_than_slots(shop):
    channel = await shop.target("a", slots=3)
    channel.gate.clear()
    for _ in range(20):
        await shop.accept("a")
    async with shop.at_work() as worker:
        await channel.until_in_flight(2)
        await shop.accept("a", kind="callback_query")
        worker.wake()
        await channel.until_in_flight(3)
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=21)
    assert channel.most == 3


async def test_a_lane_is_delivered_in_order_and_lanes_go_in_parallel(shop):
    channel = await shop.target("a")
    channel.gate.clear()
    expected = {lane: [await shop.accept("a", lane=lane) for _ in range(10)] for lane in ("x", "y")}
    async with shop.at_work():
        await channel.until_in_flight(2)
        channel.gate.set()
        settled = await shop.facts.wait(DeliverySettled, count=20)
    assert channel.most == 2
    for seqs in expected.values():
        assert [fact.seq for fact in settled if fact.seq in seqs] == seqs


async def test_a_failure_is_tried_again_and_counted_until_it_is_dead(shop):
    channel = await shop.target("a", retry=RetryPolicy(waits=(1000, 1000), max_age=MINUTE))
    channel.script = lambda _: status(500)
    seq = await shop.accept("a")
    async with shop.at_work():
        facts = await shop.facts.wait(DeliverySettled, count=3)
    assert [type(fact.settlement) for fact in facts] == [Retry, Retry, Dead]
    assert [outbound.headers["X-Gateway-Attempt"] for outbound in channel.seen] == ["1", "2", "3"]
    [row] = await shop.store.deliveries()
    assert (row.event_seq, row.state, row.reason) == (seq, State.DEAD, "http_500")
    attempts = await shop.store.attempts(row.delivery_id)
    assert [(attempt.number, attempt.status) for attempt in attempts] == [
        (1, 500),
        (2, 500),
        (3, 500),
    ]


async def test_a_dead_head_lets_its_lane_go_on(shop):
    channel = await shop.target("a", retry=RetryPolicy(waits=(), max_age=MINUTE))
    channel.script = lambda _: status(200 if len(channel.seen) > 1 else 410)
    seqs = [await shop.accept("a", lane="x") for _ in range(3)]
    async with shop.at_work():
        await shop.facts.wait(DeliverySettled, count=3)
    assert await states(shop) == dict(
        zip(seqs, (State.DEAD, State.DELIVERED, State.DELIVERED), strict=True)
    )


async def test_retry_after_holds_the_whole_target_and_is_not_counted(shop):
    channel = await shop.target("a", slots=1)
    channel.script = lambda _: status(200 if len(channel.seen) > 1 else 429, retry_after="3600")
    await shop.accept("a")
    await shop.accept("a")
    async with shop.at_work() as worker:
        await shop.facts.wait(TargetHeld)
        [first] = await shop.facts.wait(DeliverySettled)
        assert first.settlement == Retry(wait=3600 * SECOND, failures=0, reason="http_429")
        worker.wake()
        await asyncio.sleep(0)
        assert len(channel.seen) == 1
        shop.clock.ahead += 3601 * SECOND
        worker.wake()
        await shop.facts.wait(DeliverySettled, count=3)


async def test_a_target_is_held_from_its_answer_on(shop):
    channel = await shop.target("a", slots=1)

    def slowly(_):
        shop.clock.ahead += 60 * SECOND
        return status(429, retry_after="30")

    channel.script = slowly
    await shop.accept("a")
    await shop.accept("a")
    async with shop.at_work() as worker:
        await shop.facts.wait(DeliverySettled)
        for _ in range(20):
            worker.wake()
            await shop.store.counts()
        assert len(channel.seen) == 1


async def test_a_clock_that_is_set_back_makes_no_pause_longer(shop):
    channel = await shop.target("a", slots=1)
    channel.script = lambda _: status(200 if len(channel.seen) > 1 else 429, retry_after="2")
    await shop.accept("a")
    async with shop.at_work(breaker_failures=1) as worker:
        await shop.facts.wait(TargetHeld)
        shop.clock.ahead -= 3600 * SECOND
        await shop.accept("a")
        worker.wake()
        delivered = await shop.facts.wait(
            DeliverySettled, where=lambda fact: fact.settlement == Delivered()
        )
    assert len(delivered) == 1


async def test_the_breaker_leaves_a_target_alone_and_comes_back_by_a_probe(shop):
    channel = await shop.target("a", slots=5)
    channel.script = lambda _: status(500)
    for _ in range(8):
        await shop.accept("a")
    async with shop.at_work(breaker_failures=4) as worker:
        await shop.facts.wait(BreakerOpened)
        tried = len(channel.seen)
        assert tried <= 8
        channel.script = lambda _: status(200)
        shop.clock.ahead += 31 * SECOND
        worker.wake()
        await shop.facts.wait(BreakerClosed)
        await shop.facts.wait(
            DeliverySettled, count=8, where=lambda fact: fact.settlement == Delivered()
        )


async def test_a_target_that_was_not_left_alone_is_not_told_to_be_back(shop):
    channel = await shop.target("a")
    channel.script = lambda _: status(200 if len(channel.seen) > 1 else 500)
    await shop.accept("a")
    async with shop.at_work(breaker_failures=2):
        await shop.facts.wait(DeliverySettled, count=2)
    assert not shop.facts.of(BreakerOpened)
    assert not shop.facts.of(BreakerClosed)
    assert not shop.facts.of(TargetHeld)


async def test_a_bug_met_by_one_event_does_not_stop_the_others(shop):
    channel = await shop.target("a", retry=RetryPolicy(waits=(), max_age=MINUTE))
    channel.script = lambda _: RuntimeError("a bug") if len(channel.seen) == 1 else status(200)
    seqs = [await shop.accept("a") for _ in range(2)]
    async with shop.at_work():
        await shop.facts.wait(DeliverySettled, count=2)
    assert sorted((await states(shop)).values()) == [State.DELIVERED, State.DEAD]
    assert len(seqs) == len(channel.seen) == 2
    [failed] = shop.facts.of(TaskFailed)
    assert "RuntimeError" in failed.error


async def test_a_delivery_that_is_too_old_is_dead_untried(shop):
    channel = await shop.target("a", retry=RetryPolicy(waits=(1,), max_age=MINUTE))
    await shop.accept("a")
    shop.clock.ahead += 2 * MINUTE
    async with shop.at_work():
        [fact] = await shop.facts.wait(DeliverySettled)
    assert fact.settlement == Dead(reason="too_old", failures=0)
    assert channel.seen == []


async def test_what_nobody_waits_for_any_more_is_skipped_if_the_target_asks(shop):
    asking = await shop.target("asking", skip_expired=True)
    plain = await shop.target("plain")
    await shop.accept("asking", "plain", kind="callback_query", life=MINUTE)
    await shop.accept("asking", "plain", kind="message", life=MINUTE)
    shop.clock.ahead += MINUTE
    async with shop.at_work():
        settled = await shop.facts.wait(DeliverySettled, count=4)
    expired = [fact for fact in settled if fact.settlement == Dead(reason="expired", failures=0)]
    assert [(fact.target, fact.kind) for fact in expired] == [("asking", "callback_query")]
    assert (len(asking.seen), len(plain.seen)) == (1, 2)


async def test_one_slot_of_five_is_kept_for_what_somebody_waits_for(shop):
    channel = await shop.target("a", slots=10)
    channel.gate.clear()
    for _ in range(12):
        await shop.accept("a")
    async with shop.at_work() as worker:
        await channel.until_in_flight(8)
        query = await shop.accept("a", kind="callback_query")
        worker.wake([shop.targets["a"].target_id])
        await channel.until_in_flight(9)
        assert (await states(shop))[query] is State.LEASED
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=13)
    assert channel.most == 9


async def test_queries_may_have_all_slots(shop):
    channel = await shop.target("a", slots=5)
    channel.gate.clear()
    for _ in range(6):
        await shop.accept("a", kind="callback_query")
    async with shop.at_work():
        await channel.until_in_flight(5)
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=6)
    assert channel.most == 5


async def test_waiting_for_a_slot_asks_the_store_nothing(shop):
    channel = await shop.target("a", slots=5)
    channel.gate.clear()
    for _ in range(8):
        await shop.accept("a")
    shop.queue = counting = Counting(shop.store)
    async with shop.at_work():
        await channel.until_in_flight(4)
        asked = counting.claims
        for _ in range(20):  # turns enough for one that spins to show
            await shop.store.counts()
        assert counting.claims - asked <= 1
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=8)


class Counting:
    """A queue that counts how often it is asked."""

    def __init__(self, store) -> None:
        self._store = store
        self.claims = 0

    async def claim(self, wants):
        self.claims += 1
        return await self._store.claim(wants)

    def __getattr__(self, name):
        return getattr(self._store, name)


async def test_a_claim_that_loses_to_another_comes_again_soon_but_does_not_spin(shop):
    await shop.target("a")
    seq = await shop.accept("a")
    shop.queue = Losing(shop.store, times=8)
    began = shop.clock()
    async with shop.at_work():
        await shop.facts.wait(DeliverySettled)
    assert await states(shop) == {seq: State.DELIVERED}
    assert shop.clock() - began >= FIRST_REST * (2**7 - 1) + LONGEST_REST


class Losing:
    """A queue whose work another is just claiming, so many times."""

    def __init__(self, store, times: int) -> None:
        self._store = store
        self._left = times

    async def claim(self, wants):
        if not self._left:
            return await self._store.claim(wants)
        self._left -= 1
        return Claimed(claims=(), due=dict.fromkeys((w.target_id for w in wants), 0))

    def __getattr__(self, name):
        return getattr(self._store, name)


async def test_a_target_of_one_slot_is_not_kept_idle(shop):
    await shop.target("a", slots=1)
    await shop.accept("a")
    await shop.accept("a", kind="callback_query")
    async with shop.at_work():
        await shop.facts.wait(DeliverySettled, count=2)


async def test_a_stop_lets_attempts_finish_within_the_grace(shop):
    channel = await shop.target("a")
    channel.gate.clear()
    seq = await shop.accept("a")
    async with shop.at_work(grace=10 * SECOND) as worker:
        await channel.until_in_flight()
        shop.stop.set()
        worker.wake()
        channel.gate.set()
    assert await states(shop) == {seq: State.DELIVERED}
    assert shop.facts.of(WorkerStopped)[0].interrupted == 0


async def test_what_is_cut_unsent_is_released_and_what_was_sent_counts(shop):
    unsent, sent = await shop.target("unsent"), await shop.target("sent")
    unsent.sent = False
    for channel in (unsent, sent):
        channel.gate.clear()
    await shop.accept("unsent", "sent")
    async with shop.at_work(grace=0):
        await unsent.until_in_flight()
        await sent.until_in_flight()
    settled = {fact.target: fact.settlement for fact in shop.facts.of(DeliverySettled)}
    [stopped] = shop.facts.of(WorkerStopped)
    assert (stopped.released, stopped.interrupted) == (1, 1)
    assert settled["unsent"] == Released()
    assert settled["sent"] == Retry(wait=10_000, failures=1, reason="interrupted")
    rows = {row.target: row for row in await shop.store.deliveries()}
    assert (rows["unsent"].state, rows["unsent"].attempts) == (State.PENDING, 0)
    assert (rows["sent"].state, rows["sent"].attempts) == (State.PENDING, 1)


class Failing:
    """The real store, whose settlements fail so many times."""

    def __init__(self, store, times: int) -> None:
        self._store = store
        self.left = times

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def settle(self, *what):
        if self.left:
            self.left -= 1
            raise StoreUnavailable("the disk is full")
        return await self._store.settle(*what)


async def test_a_settlement_that_cannot_be_recorded_is_kept_and_recorded_once(shop):
    channel = await shop.target("a", slots=1)
    shop.queue = Failing(shop.store, times=2)
    seq = await shop.accept("a")
    async with shop.at_work():
        await shop.facts.wait(DeliverySettled)
    assert await states(shop) == {seq: State.DELIVERED}
    assert len(channel.seen) == 1
    assert (await shop.store.counts())["a", "delivered"] == 1


async def test_a_lease_that_passed_to_another_is_noticed_and_changes_nothing(shop):
    channel = await shop.target("a")
    channel.gate.clear()
    await shop.accept("a")
    async with shop.at_work(grace=10 * SECOND):
        await channel.until_in_flight()
        await shop.store.lapse_all()
        [taken] = await shop.store.claim_lapsed(limit=1, lease=MINUTE)
        channel.gate.set()
        await shop.facts.wait(LeaseLost)
    assert (await shop.store.settle(taken, Delivered(), None)).lost is False


async def test_idle_targets_cost_no_task_and_no_query(shop):
    for number in range(50):
        await shop.target(f"idle-{number}")
    calls = []

    class Counting(Failing):
        async def claim(self, wants: list[Want]):
            calls.append(wants)
            return await self._store.claim(wants)

    shop.queue = Counting(shop.store, times=0)
    async with shop.at_work() as worker:
        tasks = len(asyncio.all_tasks())
        seq = await shop.accept("idle-7")
        worker.wake([shop.targets["idle-7"].target_id])
        await shop.facts.wait(DeliverySettled)
        assert len(asyncio.all_tasks()) <= tasks + 1
    assert await states(shop) == {seq: State.DELIVERED}
    assert {want.target_id for wants in calls for want in wants} == {
        shop.targets["idle-7"].target_id
    }


async def test_a_paused_and_an_orphaned_target_wait(shop):
    channel = await shop.target("a")
    await shop.accept("a")
    await shop.store.pause("a")
    found = await shop.store.register([])
    async with shop.at_work() as worker:
        worker.set_targets(found)
        worker.wake()
        await asyncio.sleep(0)
    assert channel.seen == []
    assert list((await states(shop)).values()) == [State.PENDING]


async def test_a_claim_for_a_target_that_left_meanwhile_is_given_back(shop):
    channel = await shop.target("a")
    await shop.accept("a")
    workers = []
    left = asyncio.Event()

    class Leaving(Failing):
        async def claim(self, wants: list[Want]):
            claimed = await self._store.claim(wants)
            workers[0].set_targets([])
            left.set()
            return claimed

    shop.queue = Leaving(shop.store, times=0)
    async with shop.at_work() as worker:
        workers.append(worker)
        async with asyncio.timeout(5):
            await left.wait()
    [row] = await shop.store.deliveries()
    assert (row.state, row.attempts) == (State.PENDING, 0)
    assert channel.seen == []


async def test_a_claim_that_comes_after_the_stop_is_given_back(shop):
    channel = await shop.target("a")
    await shop.accept("a")

    class Stopping(Failing):
        async def claim(self, wants: list[Want]):
            shop.stop.set()
            return await self._store.claim(wants)

    shop.queue = Stopping(shop.store, times=0)
    async with asyncio.timeout(5):
        await shop.worker().run(shop.stop)
    [row] = await shop.store.deliveries()
    assert (row.state, row.attempts) == (State.PENDING, 0)
    assert channel.seen == []


async def test_what_cannot_be_given_back_keeps_nothing_else_from_being_tried(shop):
    await shop.target("gone")
    staying = await shop.target("staying")
    await shop.accept("gone")
    await shop.accept("staying")
    workers = []

    class Leaving(Failing):
        async def claim(self, wants: list[Want]):
            claimed = await self._store.claim(wants)
            workers[0].set_targets([shop.targets["staying"]])
            return claimed

        async def settle(self, claim, settlement, attempt):
            if settlement == Released() and not shop.stop.is_set():
                raise StoreUnavailable("full")
            return await self._store.settle(claim, settlement, attempt)

    shop.queue = Leaving(shop.store, times=0)
    worker = shop.worker()
    workers.append(worker)
    task = asyncio.create_task(worker.run(shop.stop))
    [settled] = await shop.facts.wait(DeliverySettled)
    assert settled.target == "staying"
    shop.stop.set()
    worker.wake()
    async with asyncio.timeout(10):
        await task
    assert len(staying.seen) == 1
