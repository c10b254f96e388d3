"""Hints: who delivers hears in a moment what others took, and loses nothing where it does not."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from fakes.postgres import connected, running
from fakes.proxy import Proxy
from hookgram.core.model import HOUR
from store.makers import accept, arrival, bury, claim_one, owe, owed, register
from store.postgres.test_server import Pooler


class Woken:
    """What a listener was told."""

    def __init__(self) -> None:
        self.told: deque[set[int] | None] = deque()
        self._came = asyncio.Event()

    def __call__(self, targets) -> None:
        self.told.append(None if targets is None else set(targets))
        self._came.set()

    async def next(self) -> set[int] | None:
        async with asyncio.timeout(5):
            while not self.told:
                self._came.clear()
                await self._came.wait()
        return self.told.popleft()


@pytest.fixture
def woken() -> Woken:
    return Woken()


async def listening(store, woken: Woken) -> None:
    """Have it listen, and wait until it does."""
    store.on_work(woken)
    async with asyncio.timeout(5):
        await store._listener.listens.wait()
    assert await woken.next() is None  # something may have come before


async def test_who_delivers_hears_at_once_for_which_targets_another_took_updates(replica, woken):
    ingest, worker = await replica("ingest"), await replica("worker")
    shop, bank, _ = await register(worker, "shop", "bank", "idle")
    await listening(worker, woken)
    await accept(ingest, arrival(owed(shop), owed(bank)))
    assert await woken.next() == {shop.target_id, bank.target_id}


async def test_what_comes_in_a_rush_is_told_in_few_words_and_none_is_left_out(replica, woken):
    ingest, worker = await replica("ingest"), await replica("worker")
    targets = await register(worker, *(f"target {n}" for n in range(60)))
    await listening(worker, woken)
    for target in targets:
        await accept(ingest, arrival(owed(target)))
    told: set[int] = set()
    times = 0
    while told != {target.target_id for target in targets}:
        told |= await woken.next() or set()
        times += 1
    assert times < len(targets) / 2


async def test_who_delivers_itself_and_who_takes_a_duplicate_tells_nobody(replica, woken):
    busy, worker, ingest = await replica("busy"), await replica("worker"), await replica("ingest")
    [shop] = await register(worker, "shop")
    await listening(worker, woken)
    await listening(busy, Woken())
    one = arrival(owed(shop))
    await accept(busy, one)
    await accept(ingest, one)
    await accept(ingest, arrival())
    for store in (busy, ingest):
        await store._caller.close()
    last = await register(worker, "shop", "last")
    await accept(ingest, arrival(owed(last[1])))
    assert await woken.next() == {last[1].target_id}


async def test_a_replay_ordered_elsewhere_is_told(replica, woken):
    worker, order = await replica("worker"), await replica("order")
    [shop] = await register(worker, "shop")
    await owe(worker, shop)
    dead = await claim_one(worker, shop)
    await bury(worker, dead)
    await listening(worker, woken)
    await order.replay([dead.delivery_id])
    assert await woken.next() is None


async def test_a_cut_listener_listens_again_and_looks_at_everything(replica, url, woken):
    async with Proxy(running().port) as wire:
        worker = await replica("worker", direct=through(url, wire))
        ingest = await replica("ingest")
        [shop] = await register(worker, "shop")
        await listening(worker, woken)
        wire.cut_all()
        assert await woken.next() is None
        await accept(ingest, arrival(owed(shop)))
        assert await woken.next() == {shop.target_id}


async def test_behind_a_pooler_nobody_listens_but_past_it(replica, url, woken):
    async with Pooler(running().port) as pooler:
        pooled = await replica("pooled", url=through(url, pooler))
        pooled.on_work(Woken())
        await asyncio.wait([pooled._listener._task], timeout=5)
        assert pooled._listener._task.done()
        ingest = await replica("ingest", url=through(url, pooler))
        past = await replica("past", url=through(url, pooler), direct=url)
        [shop] = await register(past, "shop")
        await listening(past, woken)
        await accept(ingest, arrival(owed(shop)))
        assert await woken.next() == {shop.target_id}


async def test_strange_words_on_the_channel_do_no_harm(replica, url, woken):
    worker = await replica("worker")
    [shop] = await register(worker, "shop")
    await listening(worker, woken)
    async with connected(url) as other:
        for words in ("shop", "1,", "-1", "٣"):
            await other.execute("SELECT pg_notify('hookgram', $1)", words)
    await accept(await replica("ingest"), arrival(owed(shop, delay=HOUR)))
    told = await woken.next()
    assert told == {shop.target_id}


def through(url: str, proxy: Proxy) -> str:
    return url.replace(f":{running().port}/", f":{proxy.port}/")
