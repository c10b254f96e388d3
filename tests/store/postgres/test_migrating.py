"""The schema is brought up to date while others work on it, and while connections break."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from fakes.postgres import connected, running
from fakes.proxy import Proxy
from hookgram.errors import StoreUnavailable
from hookgram.store.migrations import Migration
from hookgram.store.postgres import open_postgres, schema
from store.makers import claim_one, deliver, owe, register


@pytest.fixture
def later(monkeypatch):
    """A step that needs a table to itself for a moment, as one of a later version may."""
    steps = schema.MIGRATIONS
    step = Migration(len(steps) + 1, "later.sql", "ALTER TABLE delivery ADD COLUMN later text")
    monkeypatch.setattr(schema, "MIGRATIONS", (*steps, step))
    return step.number


async def test_a_step_that_waits_for_a_reader_holds_nobody_up(replica, url, later, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:-1])
        store = await replica()
    [target] = await register(store, "shop")
    async with connected(url) as other:
        async with other.transaction():
            await other.execute("SELECT FROM delivery")
            opening = asyncio.create_task(open_postgres(url))
            await until_waiting(url)
            for _ in range(10):
                await owe(store, target)
                await deliver(store, await claim_one(store, target))
            assert not opening.done()
        await (await opening).close()
        assert await other.fetchval("SELECT max(number) FROM migration") == later


async def until_waiting(url: str) -> None:
    """Wait until the step wants its lock."""
    wanted = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    async with connected(url) as connection:
        while not await connection.fetchval(wanted):
            pass


async def test_a_step_whose_connection_breaks_is_begun_anew_by_the_next(url, later):
    async with Proxy(running().port) as wire, connected(url) as other:
        async with other.transaction():
            await other.execute("LOCK TABLE delivery")
            through = url.replace(f":{running().port}/", f":{wire.port}/")
            opening = asyncio.create_task(open_postgres(through))
            await until_waiting(url)
            for _ in count():
                wire.cut()
                await asyncio.sleep(0)
                if opening.done():
                    break
            with pytest.raises(StoreUnavailable):
                await opening
        stores = await asyncio.gather(*(open_postgres(url) for _ in range(3)))
        for store in stores:
            await store.probe()
            await store.close()
        assert await other.fetchval("SELECT count(*) FROM migration") == later
