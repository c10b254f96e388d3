"""The doctor's look at a database of PostgreSQL."""

from __future__ import annotations

import pytest

from fakes.postgres import connected, running
from hookgram.cli.doctor import checks
from hookgram.core.doctor.platform import Platform
from hookgram.store.opening import filling, leaving
from hookgram.store.postgres import open_postgres
from hookgram.store.sqlite import open_sqlite
from hookgram.usecases import move
from store.makers import HandClock, bury, claim_one, owe, register


@pytest.fixture
async def url():
    name = await running().database()
    yield running().url(name)
    await running().drop(name)


@pytest.fixture
def findings(settings):
    async def findings(url: str) -> dict[str, str]:
        chosen = settings(QUEUE_BACKEND="postgres", DATABASE_URL=url)
        told = await checks.check_store(chosen, Platform.MACHINE)
        assert "CANARY" not in str(told)
        return {finding.code: finding.sentence for finding in told}

    return findings


async def test_a_sound_database_says_so_with_what_waits_there(findings, url):
    store = await open_postgres(url, clock=HandClock())
    [old] = await register(store, "old")
    await owe(store, old)
    await bury(store, await claim_one(store, old))
    await store.refuse(1, 2, "group")
    await store.close()
    assert list(await findings(url)) == [
        *("store_sound", "orphan", "dead_letters", "refused_updates")
    ]


async def test_a_server_that_is_not_there_is_a_finding(findings, url):
    away = url.replace(f":{running().port}/", ":1/").replace("postgres@", "postgres:CANARY@")
    assert list(await findings(away)) == ["database_away"]


async def test_a_database_that_is_not_there_is_a_finding(findings, url):
    [(code, sentence)] = (await findings(f"{url}_not")).items()
    assert code == "database_unfit"
    assert "does not exist" in sentence


async def test_a_database_without_a_store_is_a_finding(findings):
    name = await running().database(template="template0")
    assert list(await findings(running().url(name))) == ["store_new"]
    await running().drop(name)


async def test_a_move_that_is_not_at_its_end_is_a_finding_at_both_ends(
    findings, settings, url, tmp_path
):
    path = tmp_path / "events.db"
    store = await open_sqlite(path, clock=HandClock())
    await register(store, "shop")
    await store.close()
    async with leaving(path, HandClock(), looking=False) as source, filling(url) as destination:
        mark = await move.begin(source, destination, "one")
        chosen = settings(SQLITE_PATH=str(path))
        told = await checks.check_store(chosen, Platform.MACHINE)
        assert {"store_sound", "store_left"} <= {finding.code for finding in told}
        assert list(await findings(url)) == ["store_sound", "database_filling"]
        async for _ in move.carry(source, destination, mark):
            pass
        assert (await move.end(source, destination, mark)).equal
        assert "database_filling" not in await findings(url)


@pytest.mark.parametrize(
    "change", ["UPDATE migration SET number = 9999 WHERE number = 1", "DELETE FROM migration"]
)
async def test_another_versions_schema_is_a_finding(findings, url, change):
    async with connected(url) as connection:
        await connection.execute(change)
    assert list(await findings(url)) == ["schema_other" if "9999" in change else "store_new"]
