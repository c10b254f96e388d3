"""What is ready is given back, uncounted, when it may be tried no more or waited too long."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from fakes.quick_target import ATTEMPTS, SLOTS, at_a_quick_target, leased, tried
from fakes.scripted_channel import Turnstile, status
from hookgram.core.facts import DeliverySettled, WorkerStopped, WorkerStopping
from hookgram.core.model import SECOND

pytestmark = pytest.mark.usefixtures("patience")


async def test_what_is_ready_is_given_back_when_the_target_asks_to_wait(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        channel.script = lambda _: status(429, retry_after="3600")
        channel.gate.set()
        await shop.queue.until_given_back(SLOTS, worker)
        await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS)
        assert await tried(shop) == [0] * (20 - ATTEMPTS) + [1] * ATTEMPTS


async def test_what_is_ready_is_given_back_when_the_breaker_opens(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        channel.script = lambda _: status(500)
        channel.gate.set()
        await shop.queue.until_given_back(SLOTS - 1, worker)
        await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS + 1)
        assert await tried(shop) == [0] * (20 - ATTEMPTS - 1) + [1] * (ATTEMPTS + 1)


async def test_what_is_ready_is_given_back_when_its_target_is_no_longer_ours(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        worker.set_targets([])
        await shop.queue.until_given_back(SLOTS, worker)
        assert await leased(shop) == channel.in_flight == ATTEMPTS
    assert len(channel.seen) == 1 + ATTEMPTS


async def test_what_is_ready_is_given_back_at_once_by_a_stop(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        shop.stop.set()
        await shop.queue.until_given_back(SLOTS, worker)
        assert await leased(shop) == channel.in_flight == ATTEMPTS
    [stopping], [stopped] = shop.facts.of(WorkerStopping), shop.facts.of(WorkerStopped)
    assert stopping.in_flight == ATTEMPTS
    assert (stopped.released, stopped.interrupted) == (SLOTS, 0)
    assert await tried(shop) == [0] * (20 - ATTEMPTS)


async def hold_a_claim(shop, worker) -> None:
    """Have the store be long about a claim of the worker's."""
    shop.queue.open.clear()
    claims = shop.queue.claims
    await shop.target("b")
    await shop.accept("b")
    worker.set_targets(list(shop.targets.values()))
    async with asyncio.timeout(5):
        while shop.queue.claims == claims:
            await shop.store.counts()


async def test_a_stop_gives_back_what_is_ready_while_a_claim_is_held_up(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        await hold_a_claim(shop, worker)
        shop.stop.set()
        worker.wake()
        async with asyncio.timeout(5):
            while shop.queue.given_back < SLOTS:
                await shop.store.counts()
        assert channel.in_flight == ATTEMPTS
        shop.queue.open.set()
    [stopping], [stopped] = shop.facts.of(WorkerStopping), shop.facts.of(WorkerStopped)
    assert stopping.in_flight == ATTEMPTS
    assert stopped.released == SLOTS + 1
    assert len(shop.channels["b"].seen) == 0


async def test_an_attempt_that_ends_after_a_stop_is_followed_by_none(shop):
    turnstile = shop.channels["a"] = Turnstile()
    async with at_a_quick_target(shop) as (worker, channel):
        await hold_a_claim(shop, worker)
        shop.stop.set()  # and the worker is not woken yet
        for _ in range(20):
            turnstile.turns.release()
        await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS)
        async with asyncio.timeout(5):
            while shop.queue.given_back < SLOTS:
                await shop.store.counts()
        assert len(channel.seen) == 1 + ATTEMPTS
        shop.queue.open.set()


async def test_what_is_given_back_for_lateness_just_before_a_stop_is_not_released_by_it(
    shop, monkeypatch
):
    async with at_a_quick_target(shop) as (worker, _):
        shop.queue.refusals = SLOTS
        monkeypatch.setattr("hookgram.worker.desk.LONGEST_READY", 0.0)
        worker.wake([])
        async with asyncio.timeout(5):
            while shop.queue.refusals:
                await shop.store.counts()
        shop.stop.set()
        await shop.queue.until_given_back(SLOTS, worker)
    assert shop.facts.of(WorkerStopped)[0].released == 0


async def test_what_waited_too_long_is_given_back_and_the_target_has_to_be_quick_again(
    shop, monkeypatch
):
    async with at_a_quick_target(shop) as (worker, channel):
        with monkeypatch.context() as patch:
            patch.setattr("hookgram.worker.desk.LONGEST_READY", 0.0)
            await shop.queue.until_given_back(SLOTS, worker)
        worker.wake()
        for _ in range(20):  # turns enough for one that claims again to show
            await shop.store.counts()
        assert await leased(shop) == ATTEMPTS
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=21)
    assert shop.facts.of(WorkerStopped)[0].released == 0


async def test_what_is_late_when_a_slot_comes_free_is_given_back_not_tried(shop, monkeypatch):
    async with at_a_quick_target(shop) as (worker, channel):
        with monkeypatch.context() as patch:
            patch.setattr("hookgram.worker.desk.LONGEST_READY", -1.0)
            channel.gate.set()
            await shop.facts.wait(DeliverySettled, count=1 + ATTEMPTS)
            assert len(channel.seen) == 1 + ATTEMPTS
            await shop.queue.until_given_back(SLOTS, worker)
        await shop.facts.wait(DeliverySettled, count=21)


async def test_what_cannot_be_given_back_now_is_given_back_later(shop):
    async with at_a_quick_target(shop) as (worker, _):
        shop.queue.refusals = SLOTS
        shop.stop.set()
        await shop.queue.until_given_back(SLOTS, worker)
    assert shop.facts.of(WorkerStopped)[0].released == SLOTS
    assert await tried(shop) == [0] * (20 - ATTEMPTS)


async def test_what_is_ready_is_given_back_when_its_target_is_defined_otherwise(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        [target] = shop.targets.values()
        other = replace(target, definition=replace(target.definition, timeout=70 * SECOND))
        worker.set_targets([other])
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=21)
    assert shop.queue.given_back == SLOTS
    assert {outbound.timeout for outbound in channel.seen[1 + ATTEMPTS :]} == {70 * SECOND}
    leases = [claim.leased_until - claim.claimed_at for claim in shop.queue.claimed]
    assert all(lease > 70 * SECOND for lease in leases[1 + ATTEMPTS + SLOTS :])


async def test_what_is_ready_stays_when_its_target_is_defined_as_before(shop):
    async with at_a_quick_target(shop) as (worker, channel):
        worker.set_targets(list(shop.targets.values()))
        channel.gate.set()
        await shop.facts.wait(DeliverySettled, count=21)
    assert shop.queue.given_back == 0


async def test_what_is_late_is_given_back_when_a_slot_comes_free_not_later(
    shop, sleepy, monkeypatch
):
    async with at_a_quick_target(shop, messages=8) as (_, channel):
        with monkeypatch.context() as patch:
            patch.setattr("hookgram.worker.desk.LONGEST_READY", -1.0)
            channel.gate.set()
            async with asyncio.timeout(5):
                while shop.queue.given_back < 8 - ATTEMPTS:
                    await shop.store.counts()
        await shop.facts.wait(DeliverySettled, count=1 + 8)
