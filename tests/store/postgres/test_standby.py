"""A server with a standby, and a server that is changed or says goodbye under a store's feet."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import suppress

import pytest

from fakes.postgres import Server, connected, running
from fakes.proxy import Proxy
from fakes.standby import fail_over, follow
from hookgram.errors import SettingsError, StoreUnavailable
from hookgram.store.postgres import open_postgres
from store.makers import accept, arrival, claim, claim_one, deliver, owe, owed, register


@pytest.fixture
async def pair():
    primary, standby = Server(), Server()
    try:
        await asyncio.to_thread(primary.begin)
        await follow(standby, primary)
        yield primary, standby
    finally:
        primary.close()
        standby.close()


@pytest.fixture
def silent():
    """A port that takes connections and says nothing, as a machine does that has gone."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


def url_of(*ports: int, also: str = "") -> str:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgres://postgres:canary@{hosts}/postgres{also}"


async def test_of_several_hosts_the_one_that_can_be_written_to_is_found_and_found_again(
    pair, silent, clock
):
    primary, standby = pair
    with pytest.raises(SettingsError, match="read-only"):
        await open_postgres(url_of(standby.port))
    with pytest.raises(StoreUnavailable, match="is a standby; ") as caught:
        await open_postgres(url_of(standby.port, 1))
    assert "canary" not in str(caught.value)
    store = await open_postgres(url_of(silent, standby.port, primary.port), clock=clock)
    [target] = await register(store, "shop")
    await owe(store, target)
    await fail_over(primary, standby)
    await owe(store, target)
    await store.close()
    async with connected(standby.url()) as connection:
        assert await connection.fetchval("SELECT count(*) FROM event") == 2


PRIMARY = "?target_session_attrs=read-write"


async def test_while_no_host_can_be_written_to_calls_wait_and_then_are_unavailable(pair, clock):
    primary, standby = pair
    url = url_of(primary.port, standby.port, also=PRIMARY)
    store = await open_postgres(url, clock=clock, deadline=2)
    [target] = await register(store, "shop")
    await asyncio.to_thread(primary.kill)
    for call in (store.probe(), store.counts()):
        with pytest.raises(StoreUnavailable):
            await call
    owing = asyncio.ensure_future(owe(store, target))
    await asyncio.to_thread(standby.promote)
    await owing
    await store.close()


async def test_what_the_standby_does_not_have_nobody_is_given(pair, clock):
    """Else a fail-over would take back an update that a target has seen, with its id."""
    primary, standby = pair
    store = await open_postgres(primary.url(), clock=clock)
    other = await open_postgres(primary.url(), clock=clock, shard="other")
    [target] = await register(store, "shop")
    for pid in standby.processes():
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await accept(store, arrival(owed(target)))
    for _ in range(10):
        assert not await claim(other, target)
    async with connected(primary.url()) as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        assert await connection.fetchval(waiting) == 1
    for pid in standby.processes():
        os.kill(pid, signal.SIGCONT)
    await deliver(other, await until_claimed(other, target))
    await store.close()
    await other.close()


async def until_claimed(store, target):
    async with asyncio.timeout(10):
        while not (claims := await claim(store, target)):
            pass
    return claims[0]


async def test_a_database_whose_commits_do_not_wait_for_the_disk_is_refused(url):
    name = url.rpartition("/")[2]
    async with connected(url) as connection:
        await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(SettingsError, match="synchronous_commit"):
        await open_postgres(url)


class Lingering(Proxy):
    """Does not tell that the server has gone."""

    @staticmethod
    def _part(writer: asyncio.StreamWriter) -> None:
        """Leave it open."""


async def test_after_a_server_says_goodbye_between_two_calls_they_can_be_repeated(replica, url):
    async with Lingering(running().port) as wire:
        store = await replica(url=url.replace(f":{running().port}/", f":{wire.port}/"))
        [target] = await register(store, "shop")
        await store.counts()
        async with connected(url) as connection:
            assert await connection.fetchval(GOODBYE) >= 3
            while await connection.fetchval(OTHERS):
                pass
        one = arrival(owed(target))
        await repeated(lambda: accept(store, one))
        claimed = await repeated(lambda: claim_one(store, target))
        await deliver(store, claimed)
        assert (await store.counts())["shop", "delivered"] == 1


async def repeated(call):
    """Make the call; once more, should it be unavailable."""
    with suppress(StoreUnavailable):
        return await call()
    return await call()


OTHERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
GOODBYE = OTHERS.replace("*", "pg_terminate_backend(pid)")


async def test_a_schema_that_a_newer_replica_changes_makes_no_call_fail(replica, url):
    store = await replica()
    [target] = await register(store, "shop")
    for _ in range(2):
        await owe(store, target)
        await deliver(store, await claim_one(store, target))
        async with connected(url) as connection:
            await connection.execute("ALTER TABLE lease ALTER attempt TYPE bigint")
            await connection.execute("ALTER TABLE delivery ADD COLUMN later text")
            await connection.execute("ALTER TABLE delivery DROP COLUMN later")
            await connection.execute("ALTER TABLE counter ALTER value TYPE numeric")
