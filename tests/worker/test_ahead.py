"""The laws of claiming ahead: a quick target has claims ready for the slots that come free."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from fakes.quick_target import ATTEMPTS, SLOTS, at_a_quick_target, leased
from fakes.scripted_channel import Turnstile, status
from hookgram.core.facts import DeliverySettled
from hookgram.core.model import SECOND
from hookgram.core.outcome import Dead, Delivered
from hookgram.core.retry import RetryPolicy
from hookgram.errors import StoreUnavailable

pytestmark = pytest.mark.usefixtures("patience")


async def test_a_quick_target_has_as_many_claims_ready_as_it_has_slots(shop):
    async with at_a_quick_target(shop) as (_, channel):
        assert channel.in_flight == ATTEMPTS
        assert await leased(shop) == ATTEMPTS + SLOTS
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=21)
    assert channel.most == ATTEMPTS


async def test_a_target_that_has_not_answered_yet_has_none(shop):
    channel = await shop.target("a", slots=SLOTS)
    channel.gate.clear()
    for _ in range(20):
        await shop.accept("a")
    async with shop.at_work(grace=10 * SECOND):
        await channel.until_in_flight(ATTEMPTS)
        assert await leased(shop) == ATTEMPTS
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=20)


async def test_a_slot_that_comes_free_waits_for_no_claim(shop):
    async with at_a_quick_target(shop) as (_, channel):
        shop.queue.open.clear()
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS + SLOTS)
        shop.queue.open.set()
        await shop.facts.wait(DeliverySettled, count=21)


async def test_more_is_claimed_when_half_of_what_may_be_ready_is_gone(shop):
    turnstile = shop.channels["a"] = Turnstile()
    async with at_a_quick_target(shop, slots=10, messages=40):
        assert await leased(shop) == 8 + 10
        claims = shop.queue.claims
        for number in range(4):
            turnstile.turns.release()
            await shop.facts.wait(DeliverySettled, count=2 + number)
            await turnstile.until_in_flight(8)
        assert shop.queue.claims == claims
        turnstile.turns.release()
        await shop.facts.wait(DeliverySettled, count=6)
        async with asyncio.timeout(5):
            while await leased(shop) < 8 + 10:
                pass
        assert shop.queue.claims == claims + 1
        for _ in range(40):
            turnstile.turns.release()
        await shop.facts.wait(DeliverySettled, count=41)


async def test_what_somebody_waits_for_is_the_next_of_what_is_ready(shop):
    async with at_a_quick_target(shop, slots=10, messages=10) as (worker, channel):
        for _ in range(3):
            await shop.accept("a", kind="callback_query")
        worker.wake()
        await channel.until_in_flight(10)
        assert await leased(shop) == 8 + 2 + 3
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=14)
    kinds = [b"callback_query" in outbound.body for outbound in channel.seen[1:]]
    assert kinds == [False] * 8 + [True] * 3 + [False] * 2


async def test_what_is_ready_takes_no_slot_that_is_kept(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        await shop.accept("a", kind="callback_query")
        worker.wake([shop.targets["a"].target_id])
        await channel.until_in_flight(SLOTS)
        assert b"callback_query" in channel.seen[-1].body


class Late:
    """The monotonic clock, set forward by the test."""

    def __init__(self, monkeypatch) -> None:
        self.by = 0.0
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + self.by)
        monkeypatch.setattr("hookgram.worker.delivery.time", clock)


async def test_the_wait_for_a_slot_counts_for_the_age(shop, monkeypatch):
    retry = RetryPolicy(waits=(1,), max_age=20 * SECOND)
    late = Late(monkeypatch)
    async with at_a_quick_target(shop, retry=retry, messages=ATTEMPTS + 2) as (_, channel):
        late.by = 30.0
        channel.gate.set()
        settled = await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS + 2)
    ends = [fact.settlement for fact in settled[1:]]
    assert ends.count(Delivered()) == ATTEMPTS
    assert ends.count(Dead(reason="too_old", failures=0)) == 2
    assert len(channel.seen) == 1 + ATTEMPTS
    assert min(fact.latency for fact in settled[1:]) >= 30 * SECOND


async def test_what_expires_during_its_try_is_not_tried_again(shop, monkeypatch):
    late = Late(monkeypatch)
    channel = await shop.target("a", skip_expired=True)

    def slowly(_):
        late.by = 2 * 60.0
        return status(500)

    channel.script = slowly
    await shop.accept("a", kind="callback_query", life=60 * SECOND)
    async with shop.at_work():
        [settled] = await shop.facts.wait(DeliverySettled)
    assert settled.settlement == Dead(reason="expired", failures=1)


async def test_the_wait_for_a_slot_does_not_make_a_target_slow(shop, monkeypatch):
    late = Late(monkeypatch)
    async with at_a_quick_target(shop, messages=ATTEMPTS + 2) as (worker, channel):
        late.by = 30.0  # those in flight are slow, those after them are not
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS + 2)
        channel.gate.clear()
        for _ in range(20):
            await shop.accept("a")
        worker.wake()
        await channel.until_in_flight(ATTEMPTS)
        assert await leased(shop) == ATTEMPTS + SLOTS


@pytest.mark.parametrize("slots", [1, 2, 3])
async def test_few_slots_do(shop, slots):
    async with at_a_quick_target(shop, slots=slots, messages=slots) as (worker, channel):
        for _ in range(10):
            await shop.accept("a")
        worker.wake()
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=1 + slots + 10)


class Recording:
    """The real store, which records ends one by one, as the test says."""

    def __init__(self, store) -> None:
        self._store = store
        self.turns = asyncio.Semaphore(0)
        self.refusals = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def settle(self, *what):
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        await self.turns.acquire()
        return await self._store.settle(*what)


async def until_sent(shop, channel, count: int) -> None:
    async with asyncio.timeout(5):
        while len(channel.seen) < count:
            await shop.store.counts()


async def test_what_the_store_holds_back_goes_on_with_each_record(shop, sleepy):
    channel = await shop.target("a", slots=SLOTS)
    slow = shop.queue = Recording(shop.store)
    for _ in range(40):
        await shop.accept("a")
    async with shop.at_work(grace=10 * SECOND):
        for recorded in range(10):
            await until_sent(shop, channel, 2 * SLOTS + recorded)
            assert len(channel.seen) <= 2 * SLOTS + recorded + 1
            slow.turns.release()
        for _ in range(40):
            slow.turns.release()
        await shop.facts.wait(DeliverySettled, count=40)


async def test_a_slot_that_was_kept_for_a_record_goes_to_what_is_ready(shop, sleepy):
    channel = shop.channels["a"] = Turnstile()
    await shop.target("a", slots=3)
    slow = shop.queue = Recording(shop.store)
    slow.turns.release()
    await shop.accept("a")
    async with shop.at_work(grace=10 * SECOND) as worker:
        await shop.facts.wait(DeliverySettled)
        channel.gate.clear()
        for _ in range(4):
            await shop.accept("a")
        worker.wake()
        await channel.until_in_flight(2)
        slow.refusals = 1
        channel.turns.release()
        channel.turns.release()
        await until_sent(shop, channel, 1 + 3)
        async with asyncio.timeout(5):
            while channel.in_flight > 1:
                await shop.store.counts()
        for _ in range(10):
            await shop.store.counts()
        assert len(channel.seen) == 1 + 3
        for _ in range(4):
            slow.turns.release()
        await until_sent(shop, channel, 1 + 4)
        for _ in range(2):
            channel.turns.release()
        await shop.facts.wait(DeliverySettled, count=5)


async def test_a_slot_that_comes_free_where_nothing_waits_asks_the_store_nothing(shop):
    async with at_a_quick_target(shop, messages=2) as (_, channel):
        claims = shop.queue.claims
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=1 + 2)
        for _ in range(20):
            await shop.store.counts()
        assert shop.queue.claims == claims
