"""What vanished workers held comes back; what is old goes; a pulse tells when nothing commits."""

from __future__ import annotations

import asyncio

from hookgram.core.facts import (
    DeliverySettled,
    EventsForgotten,
    LeaseLapsed,
    StoreFailed,
    StoreRecovered,
    TaskFailed,
)
from hookgram.core.model import MINUTE, SECOND, State, Want
from hookgram.core.outcome import Dead
from hookgram.core.retry import RetryPolicy
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.worker.pulse import Pulse
from hookgram.worker.supervise import supervise


async def running(loop, stop, until):
    task = asyncio.create_task(loop(stop))
    try:
        return await until
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


async def claimed(shop):
    want = Want(target_id=shop.targets["a"].target_id, limit=1, lease=MINUTE)
    [claim] = (await shop.store.claim([want])).claims
    return claim


async def test_a_lapsed_claim_counts_as_a_failure_and_comes_back(shop):
    await shop.target("a")
    await shop.accept("a")
    await claimed(shop)
    await shop.store.lapse_all()
    woken = []
    caretaker = shop.caretaker(wake=woken.extend)
    await running(caretaker.run, shop.stop, shop.facts.wait(LeaseLapsed))
    [row] = await shop.store.deliveries()
    assert (row.state, row.attempts, row.failures, row.reason) == (State.PENDING, 1, 1, "lapsed")
    assert woken == [shop.targets["a"].target_id]


async def test_what_kills_its_worker_each_time_ends_as_a_dead_letter(shop):
    await shop.target("a", retry=RetryPolicy(waits=(), max_age=MINUTE))
    await shop.accept("a")
    await claimed(shop)
    await shop.store.lapse_all()
    [fact] = await running(shop.caretaker().run, shop.stop, shop.facts.wait(DeliverySettled))
    assert fact.settlement == Dead(reason="lapsed", failures=1)


async def test_settled_events_are_forgotten_after_their_retention(shop):
    await shop.target("a")
    await shop.accept("a")
    async with shop.at_work():
        await shop.facts.wait(DeliverySettled)
    shop.clock.ahead += 2 * 3600 * SECOND
    [fact] = await running(shop.caretaker().run, shop.stop, shop.facts.wait(EventsForgotten))
    assert fact.events == 1
    assert await shop.store.deliveries() == []


class Upkeep:
    """Commits as the test says."""

    def __init__(self) -> None:
        self.trouble = None

    async def probe(self) -> None:
        if self.trouble is not None:
            raise self.trouble


async def test_a_pulse_tells_once_when_commits_fail_and_once_when_they_work_again(shop):
    upkeep = Upkeep()
    pulse = Pulse(upkeep, shop.facts, every=0.01)

    async def through_trouble():
        upkeep.trouble = StoreUnavailable("database or disk is full")
        await shop.facts.wait(StoreFailed)
        assert pulse.reason == "database or disk is full"
        upkeep.trouble = None
        pulse.nudge()
        await shop.facts.wait(StoreRecovered)
        pulse.nudge()

    await running(pulse.run, shop.stop, through_trouble())
    assert pulse.reason is None
    assert len(shop.facts.of(StoreFailed)) == 1


async def test_a_loop_that_falls_over_is_run_again(shop, monkeypatch):
    monkeypatch.setattr("hookgram.worker.supervise.FIRST_PAUSE", 0.0)
    runs = []

    async def run(stop):
        runs.append(1)
        if len(runs) == 1:
            raise RuntimeError("a bug")
        stop.set()

    async with asyncio.timeout(5):
        await supervise("the loop", run, shop.stop, shop.facts)
    assert len(runs) == 2
    assert shop.facts.of(TaskFailed)[0].where == "the loop"


async def test_a_broken_store_is_not_survived(shop):
    async def run(_):
        raise StoreBroken("disk I/O error")

    try:
        await supervise("the loop", run, shop.stop, shop.facts)
    except StoreBroken:
        return
    raise AssertionError("it went on")
