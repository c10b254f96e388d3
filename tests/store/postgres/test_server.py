"""The server and the wire to it: what is refused, what is waited for, what is begun anew."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import asyncpg
import pytest

from fakes.postgres import Server, connected, running
from fakes.proxy import Proxy
from hookgram.core.model import DAY
from hookgram.errors import SchemaMismatch, SettingsError, StoreUnavailable
from hookgram.store.postgres import open_postgres
from store.makers import accept, arrival, attempt, claim, claim_one, deliver, owe, owed, register


@pytest.fixture
def weak():
    server = Server(fsync="off", default_transaction_read_only="on")
    server.begin()
    yield server
    server.close()


async def test_a_server_that_forgets_or_cannot_be_written_to_is_refused(weak):
    with pytest.raises(SettingsError) as caught:
        await open_postgres(weak.url())
    [forgetful, standby] = caught.value.problems
    assert "fsync off" in forgetful
    assert "read-only" in standby


async def test_a_database_that_is_not_there_is_told_without_the_password(url):
    name = url.rpartition("/")[2]
    wrong = url.replace("postgres@", "postgres:canary@").replace(name, "nowhere")
    with pytest.raises(SettingsError) as caught:
        await open_postgres(wrong)
    assert "nowhere" in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_a_server_that_is_not_there_is_told(url):
    port = running().port
    with pytest.raises(StoreUnavailable, match="is not there"):
        await open_postgres(url.replace(f":{port}/", ":1/"))


async def test_a_newer_schema_is_refused(url):
    async with connected(url) as connection:
        await connection.execute("INSERT INTO migration (number, name) VALUES (9999, 'later')")
    with pytest.raises(SchemaMismatch):
        await open_postgres(url)


async def test_replicas_that_start_at_the_same_moment_make_the_schema_once():
    name = await running().database(template="template0")
    try:
        url = running().url(name)
        stores = await asyncio.gather(*(open_postgres(url) for _ in range(4)))
        for store in stores:
            await store.probe()
            await store.close()
        async with connected(url) as connection:
            assert await connection.fetchval("SELECT min(number) FROM migration") == 1
    finally:
        await running().drop(name)


async def test_without_a_clock_the_servers_time_is_used(replica):
    store = await replica(clock=None)
    [target] = await register(store, "shop")
    before = time.time_ns() // 1000
    await owe(store, target)
    claimed = await claim_one(store, target)
    after = time.time_ns() // 1000
    assert before <= claimed.created_at <= claimed.claimed_at <= after
    assert before <= store.clock() <= after + 1_000_000


async def test_after_cut_connections_calls_go_on(replica, url):
    async with Proxy(running().port) as wire:
        store = await replica(url=url.replace(f":{running().port}/", f":{wire.port}/"))
        [target] = await register(store, "shop")
        for _ in range(6):
            await owe(store, target)
            await cut_all(wire, store)
            for one in await claim(store, target):
                await deliver(store, one)
        assert (await store.counts())["shop", "delivered"] == 6


async def cut_all(wire: Proxy, store) -> None:
    """Cut the connections and wait until the store's writers know it."""
    ends = []
    for link in (store._taking._link, store._working._link):
        end = asyncio.Event()
        (await link.open()).add_termination_listener(lambda _, end=end: end.set())
        ends.append(end.wait())
    wire.cut_all()
    async with asyncio.timeout(5):
        await asyncio.gather(*ends)


async def test_a_connection_that_broke_unnoticed_while_it_rested_is_replaced(replica, url):
    async with Proxy(running().port) as wire:
        store = await replica(url=url.replace(f":{running().port}/", f":{wire.port}/"))
        [target] = await register(store, "shop")
        await owe(store, target)
        for link in (store._taking._link, store._working._link):
            link._used_at = 0.0
        wire.cut_all()
        assert [await deliver(store, one) for one in await claim(store, target)]
        await owe(store, target)


async def test_a_call_under_way_when_the_connection_is_cut_is_unavailable_and_can_be_repeated(
    replica, url
):
    async with Proxy(running().port) as wire, connected(url) as other:
        store = await replica(url=url.replace(f":{running().port}/", f":{wire.port}/"))
        [target] = await register(store, "shop")
        one = arrival(owed(target))
        async with other.transaction():
            await other.execute("LOCK TABLE event IN EXCLUSIVE MODE")
            accepting = asyncio.ensure_future(accept(store, one))
            await until_waiting(other)
            while not accepting.done():
                wire.cut()
                await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable):
            await accepting
        await accept(store, one)
        assert len(await store.deliveries()) == 1


async def until_waiting(connection) -> None:
    """Wait until another session waits for a lock."""
    waiting = 0
    while not waiting:
        waiting = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def test_a_lock_that_is_held_too_long_is_given_up(replica, url):
    store = await replica()
    [target] = await register(store, "shop")
    async with connected(url) as other, other.transaction():
        await other.execute("LOCK TABLE event IN EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            await accept(store, arrival(owed(target)))
    await accept(store, arrival(owed(target)))


async def test_a_server_that_stands_still_does_not_hold_a_call_for_ever(clock):
    server = Server()
    try:
        server.begin()
        store = await open_postgres(server.url(), clock=clock, deadline=1.0)
        processes = server.processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            for call in (store.probe(), store.counts()):
                with pytest.raises(StoreUnavailable):
                    await call
            assert time.monotonic() - began < 5
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        await store.close()
    finally:
        server.close()


async def accept_for_ever(store, target) -> None:
    while True:
        await accept(store, arrival(owed(target)))


async def test_only_what_may_be_repeated_is_answered_before_it_is_on_disk(clock):
    server = Server()
    try:
        server.begin()
        store = await open_postgres(server.url(), clock=clock, deadline=1.0)
        [target] = await register(store, "shop")
        await owe(store, target)
        async with connected(server.url()) as other:
            # A commit that must last now waits for a standby that never comes.
            await other.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            await other.execute("SELECT pg_reload_conf()")
            async with asyncio.timeout(20):
                with pytest.raises(StoreUnavailable):
                    await accept_for_ever(store, target)
            claims = await claim(store, target)
            assert claims
            for one in claims:
                assert not (await deliver(store, one)).lost
            await other.execute("ALTER SYSTEM RESET synchronous_standby_names")
            await other.execute("SELECT pg_reload_conf()")
        await store.close()
    finally:
        server.close()


async def test_a_restart_of_the_server_is_waited_for(clock):
    server = Server()
    try:
        server.begin()
        store = await open_postgres(server.url(), clock=clock)
        [target] = await register(store, "shop")
        await owe(store, target)
        server.crash()
        accepting = asyncio.ensure_future(accept(store, arrival(owed(target))))
        await asyncio.to_thread(server.start)
        [answer] = await accepting
        assert answer is not None
        assert len(await store.deliveries()) == 2
        await store.close()
    finally:
        server.close()


class Pooler(Proxy):
    """Makes up the process number, as poolers do."""

    @staticmethod
    def _changed(data: bytes) -> bytes:
        place = data.find(b"K\x00\x00\x00\x0c")
        return data if place < 0 else data[: place + 5] + b"\x00\x00\x00\x07" + data[place + 9 :]


async def test_behind_a_pooler_no_statement_has_a_name(replica, url):
    async with Pooler(running().port) as pooler, connected(url) as other:
        direct, pooled = (
            await replica(),
            await replica(url=url.replace(f":{running().port}/", f":{pooler.port}/")),
        )
        for store in (direct, pooled):
            await store.counts()
            await store.probe()
        assert await names_kept(direct)
        assert not await names_kept(pooled)
        assert await other.fetchval("SELECT 1") == 1


async def names_kept(store) -> list[asyncpg.Record]:
    connection = await store._working._link.open()
    return await connection.fetch("SELECT name FROM pg_prepared_statements WHERE name <> ''")


async def test_others_changes_are_noticed_within_a_second_and_our_own_are_not(replica):
    one, two = await replica("one"), await replica("two")
    [target] = await register(one, "shop")
    noticed, mine = asyncio.Event(), asyncio.Event()
    one.on_change(noticed.set)
    two.on_change(mine.set)
    await one._watch.looked()
    await two._watch.looked()
    await owe(two, target)
    async with asyncio.timeout(2):
        await noticed.wait()
    await two._watch.looked()
    assert not mine.is_set()
    noticed.clear()
    await one._watch.looked()
    await one._watch.looked()
    noticed.clear()
    await two.pause("shop")
    async with asyncio.timeout(2):
        await noticed.wait()


async def test_a_change_of_the_chats_is_noticed_by_others(replica):
    one, two = await replica("one"), await replica("two")
    noticed, mine = asyncio.Event(), asyncio.Event()
    one.on_change(noticed.set)
    two.on_change(mine.set)
    await one._watch.looked()
    await two._watch.looked()
    for change in (two.authorise(-5), two.move_chat(-1005, -5), two.withdraw(-5)):
        await change
        async with asyncio.timeout(2):
            await noticed.wait()
        await one._watch.looked()
        await one._watch.looked()
        noticed.clear()
    for nothing in (two.withdraw(-5), two.move_chat(-1005, -5)):
        await nothing
        await one._watch.looked()
        await one._watch.looked()
    assert not noticed.is_set()
    assert not mine.is_set()


async def test_a_sweep_takes_no_event_that_is_being_replayed(replica, url, clock):
    one, two = await replica("one"), await replica("two")
    [target] = await register(one, "shop")
    old = await owe(one, target)
    await deliver(one, await claim_one(one, target))
    clock.step(1)
    sweep = two.forget(retention=0, dead_retention=0, dedup=DAY)
    answers = await asyncio.gather(one.replay([old]), sweep, return_exceptions=True)
    orphans = "SELECT count(*) FROM delivery WHERE event_seq NOT IN (SELECT seq FROM event)"
    async with connected(url) as connection:
        assert await connection.fetchval(orphans) == 0
    assert len(answers) == 2


async def test_what_is_kept_of_an_attempt_makes_its_settlement_durable(replica, url):
    store = await replica()
    [target] = await register(store, "t")
    await owe(store, target)
    claimed = await claim_one(store, target)
    async with connected(url) as connection:
        for _ in range(5):
            await deliver(store, claimed)
            written = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
            await store.keep(claimed.delivery_id, attempt(claimed))
            flushed = "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn"
            assert await connection.fetchval(flushed, written)
            await owe(store, target)
            claimed = await claim_one(store, target)
