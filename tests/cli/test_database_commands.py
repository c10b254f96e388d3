"""The commands on a database, and what is said when it or its library is missing."""

from __future__ import annotations

from functools import partial

import pytest

from fakes.command import command
from fakes.postgres import running
from hookgram.store.postgres import open_postgres
from store.makers import HandClock, bury, claim_one, owe, register


@pytest.fixture
async def url():
    name = await running().database()
    yield running().url(name)
    await running().drop(name)


@pytest.fixture
def hookgram(tmp_path, url):
    return partial(command, tmp_path, QUEUE_BACKEND="postgres", DATABASE_URL=url)


async def test_dead_letters_are_listed_replayed_and_purged(hookgram, url):
    store = await open_postgres(url, clock=HandClock())
    [shop] = await register(store, "shop")
    dead = [await owe(store, shop) for _ in range(2)]
    for _ in dead:
        await bury(store, await claim_one(store, shop))
    await store.close()
    listed = (await hookgram("dead", "list", "--json")).document
    assert "shop" in str(listed)
    assert len((await hookgram("events", "list", "--json")).document["events"]) == 2
    replayed = await hookgram("dead", "replay", str(dead[0]))
    assert replayed.code == 0, replayed.err
    purged = await hookgram("dead", "purge", str(dead[1]), "--yes")
    assert purged.code == 0, purged.err
    [row] = (await hookgram("targets", "list", "--json")).document["targets"]
    assert (row["created"], row["dead"], row["purged"]) == (3, 2, 1)


async def test_a_database_without_a_store_is_told(tmp_path):
    name = await running().database(template="template0")
    settings = {"QUEUE_BACKEND": "postgres", "DATABASE_URL": running().url(name)}
    ended = await command(tmp_path, "events", "list", **settings)
    await running().drop(name)
    assert ended.code == 78
    assert "there is no store in the database yet" in ended.err


async def test_a_missing_library_is_told_with_what_to_install(tmp_path, url):
    (tmp_path / "asyncpg.py").write_text("raise ImportError('not here')\n")
    settings = {"QUEUE_BACKEND": "postgres", "DATABASE_URL": url, "PYTHONPATH": str(tmp_path)}
    ended = await command(tmp_path, "events", "list", **settings)
    assert ended.code == 78
    assert "pip install 'hookgram[postgres]'" in ended.err
