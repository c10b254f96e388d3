"""The laws of a move: all that is owed arrives as it was, once, and nobody works meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import apsw
import pytest

from fakes.postgres import connected, running
from hookgram.core.model import SECOND, Offset, Priority, State
from hookgram.core.move import COLUMNS, Table
from hookgram.errors import NotFound, Refused, StoreInUse
from hookgram.ports import Store
from hookgram.store.opening import filling, leaving
from hookgram.store.postgres import open_postgres
from hookgram.store.postgres.rows import read
from hookgram.store.sqlite import move as leaving_sqlite
from hookgram.store.sqlite import open_sqlite
from hookgram.usecases import move
from store.makers import (
    HandClock,
    accept,
    arrival,
    bury,
    claim,
    claim_one,
    deliver,
    owe,
    owed,
    register,
    retry,
)

LEFT = {"duty", "probe", "move"}
"""What stays: who does what at this moment, and the move itself."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    name = await running().database(template="template0")
    yield running().url(name)
    await running().drop(name)


@pytest.fixture
async def filled(path: Path, clock: HandClock) -> Path:
    """A store with everything in it that there can be."""
    store = await open_sqlite(path, clock=clock)
    await fill(store, clock)
    await store.close()
    return path


async def fill(store: Store, clock: HandClock) -> None:
    shop, logs, gone = await register(store, "shop", "logs", "gone")
    await store.pause("logs")
    strange = {"chat_id": -1001234567890, "body": b'\xff\x00{"\x1a"}', "expires_at": clock() + 1}
    for number in range(7):  # seven of one lane to both: one leads, six wait
        both = (owed(shop, "42|m:1"), owed(logs, "42|m:1"))
        await accept(store, arrival(*both, lane="42|m:1", update_id=1_000 + number))
    for number in range(6):
        await owe(store, shop, f"\x00\x1a{number}", **strange)
    await accept(store, arrival(owed(shop, dead="unparsed"), kind="unparsed", update_id=None))
    await owe(store, shop, priority=Priority.INTERACTIVE, delay=5 * SECOND)
    await accept(store, arrival(owed(gone, "42|m:1")), arrival(owed(gone, dead="too_old")))
    await store.remove("gone")
    await deliver(store, await claim_one(store, shop))
    buried = await claim_one(store, shop)
    await retry(store, buried)
    clock.step(2 * SECOND)
    buried = await claim_one(store, shop)
    await bury(store, buried)
    await store.replay([buried.delivery_id])
    await retry(store, await claim_one(store, shop), wait=30 * SECOND)
    await claim(store, shop, limit=2)  # leased at the end
    await accept(store, arrival(update_id=7_000_001))  # of no target
    await accept(store, arrival(update_id=7_000_001, digest=(7_000_001).to_bytes(16, "big")))
    await store.accept([], offset=Offset(bot_id=42, next_id=7_000_002))
    await store.refuse(42, -5, "group\x00")
    await store.authorise(-6)
    await store.move_chat(-1006, -6)
    await store.webhook_secret(42, "made")
    await store.mark_webhook(42, b"\x00mark")
    newest = await owe(store, shop, dead="http_410")
    await store.purge([newest])  # its numbers were given and are never given again


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parcels of three rows, so that there are many."""
    monkeypatch.setattr(leaving_sqlite, "MOST_ROWS", 3)


async def moved(path: Path, url: str, clock: HandClock, *, at_most: int = 10_000) -> bool:
    """Move, at most so many parcels; tell whether it was done."""
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(leaving(path, clock, looking=False))
        destination = await stack.enter_async_context(filling(url))
        mark = await move.begin(source, destination, f"move at {clock()}")
        async for _ in move.carry(source, destination, mark):
            at_most -= 1
            if at_most == 0:
                return False
        return (await move.end(source, destination, mark)).equal


def in_file(path: Path) -> dict[Table, list[tuple[Any, ...]]]:
    """All that is to be carried, read by nothing of ours."""
    carried = "(SELECT id FROM delivery WHERE state IN (0, 1, 2, 4))"
    which = {
        Table.EVENT: f"seq IN (SELECT event_seq FROM delivery WHERE id IN {carried})",  # noqa: S608
        Table.DELIVERY: f"id IN {carried}",
        Table.ATTEMPT: f"delivery_id IN {carried}",
    }
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {
            table: sorted(
                db.execute(
                    f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608 - our own names
                    f" WHERE {which.get(table, 'true')}"
                ),
                key=repr,
            )
            for table, names in COLUMNS.items()
        }
    finally:
        db.close()


async def in_database(url: str) -> dict[Table, list[tuple[Any, ...]]]:
    """All that is there, as the file would have it; a lease's end is left out."""
    special = {
        "state": "CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END",
        "attempts": "coalesce(l.attempt, d.attempts)",
        "lane": "d.lane",
        "token": "l.token",
        "leased_until": "NULL",
    }
    found = {}
    async with connected(url) as connection:
        for table, names in COLUMNS.items():
            place = f"{table} AS d"
            wanted = ", ".join(names)
            if table is Table.DELIVERY:
                place += " LEFT JOIN lease AS l ON l.delivery_id = d.id"
                wanted = ", ".join(special.get(name, name) for name in names)
            rows = await connection.fetch(f"SELECT {wanted} FROM {place}")  # noqa: S608
            plain = [
                tuple(
                    read(v) if isinstance(v, str) else int(v) if v is True or v is False else v
                    for v in row
                )
                for row in rows
            ]
            found[table] = sorted(plain, key=repr)
    return found


def without_lease_ends(
    rows: dict[Table, list[tuple[Any, ...]]],
) -> dict[Table, list[tuple[Any, ...]]]:
    place = COLUMNS[Table.DELIVERY].index("leased_until")
    some = [(*row[:place], None, *row[place + 1 :]) for row in rows[Table.DELIVERY]]
    return rows | {Table.DELIVERY: sorted(some, key=repr)}


async def test_all_that_is_carried_arrives_as_it_was(filled, url, clock):
    assert await moved(filled, url, clock)
    expected = without_lease_ends(in_file(filled))
    assert all(expected[table] for table in Table if table is not Table.BOT)
    states = {row[COLUMNS[Table.DELIVERY].index("state")] for row in expected[Table.DELIVERY]}
    assert states == {State.WAITING, State.PENDING, State.LEASED, State.DEAD}
    assert await in_database(url) == expected


async def test_every_table_and_column_of_a_store_is_carried_or_left_on_purpose(filled):
    db = apsw.Connection(str(filled), flags=apsw.SQLITE_OPEN_READONLY)
    there: dict[str, set[str]] = {}
    for table, column in db.execute(
        "SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"
    ):
        there.setdefault(table, set()).add(column)
    db.close()
    carried = {table.value: set(names) for table, names in COLUMNS.items()}
    assert {name: there[name] for name in there if name not in LEFT} == carried


async def test_work_goes_on_in_the_order_it_would_have_had(filled, url, clock, tmp_path):
    stays = tmp_path / "stays.db"
    db = apsw.Connection(str(filled))
    db.execute("VACUUM INTO ?", (str(stays),))
    db.close()
    assert await moved(filled, url, clock)
    here = await open_sqlite(stays, clock=clock)
    await here.lapse_all()
    there = await open_postgres(url, clock=clock)
    try:
        assert await there.counts() == await here.counts()
        assert await worked_off(there, clock) == await worked_off(here, clock)
        assert await there.counts() == await here.counts()
    finally:
        await here.close()
        await there.close()


async def worked_off(store: Store, clock: HandClock) -> list[tuple[Any, ...]]:
    """Deliver everything, one at a time; returns each as a worker saw it."""
    began, done = clock.now, []
    await store.resume("logs")
    targets = await register(store, "shop", "logs")
    lapsed = await store.claim_lapsed(limit=10, lease=SECOND)
    for taken in lapsed:
        await retry(store, taken)
    for _ in range(60):
        clock.step(SECOND)
        for target in targets:
            for taken in await claim(store, target, limit=1):
                done.append(
                    (
                        taken.delivery_id,
                        taken.target_id,
                        taken.attempt,
                        taken.failures,
                        taken.created_at,
                        taken.replay_of,
                        taken.event,
                    )
                )
                await deliver(store, taken)
    clock.now = began
    assert await store.due() == {}
    return [sorted((one.delivery_id, one.attempt, one.failures) for one in lapsed), *done]


async def test_what_comes_after_the_move_is_new_and_what_came_before_is_known(filled, url, clock):
    store = await open_sqlite(filled, clock=clock)
    await store.register([])
    [*_, last] = in_file(filled)[Table.DELIVERY]
    await store.close()
    assert await moved(filled, url, clock)
    store = await open_postgres(url, clock=clock)
    try:
        [shop] = await register(store, "shop")
        known = (1_000).to_bytes(16, "big")
        [again] = await accept(store, arrival(owed(shop), update_id=1_000, digest=known))
        assert again.duplicate
        assert await store.offset(42) == 7_000_002
        db = apsw.Connection(str(filled), flags=apsw.SQLITE_OPEN_READONLY)
        numbers = dict(db.execute("SELECT name, seq FROM sqlite_sequence"))
        db.close()
        assert numbers["delivery"] > last[0], "the fixture purged the newest"
        assert await owe(store, shop) == numbers["delivery"] + 1
    finally:
        await store.close()


async def test_a_move_cut_after_any_parcel_goes_on_and_doubles_nothing(filled, url, clock, small):
    runs = 1
    while not await moved(filled, url, clock, at_most=1):
        runs += 1
        clock.step(SECOND)
    assert runs > 20
    assert await in_database(url) == without_lease_ends(in_file(filled))


async def test_no_gateway_starts_at_either_end_until_the_move_is_done(filled, url, clock, small):
    assert not await moved(filled, url, clock, at_most=3)
    for existing in (False, True):
        with pytest.raises(StoreInUse, match="hookgram move"):
            await open_postgres(url, clock=clock, existing=existing)
        with pytest.raises(StoreInUse, match="hookgram move"):
            await open_sqlite(filled, clock=clock, existing=existing)
    assert await moved(filled, url, clock)
    await (await open_postgres(url, clock=clock)).close()
    with pytest.raises(StoreInUse, match="QUEUE_BACKEND=postgres"):
        await open_sqlite(filled, clock=clock)


async def test_a_gateway_that_opened_the_database_before_the_move_began_does_not_get_in(
    filled, url, clock, small
):
    early = await open_postgres(url, clock=clock)
    try:
        assert not await moved(filled, url, clock, at_most=1)
        with pytest.raises(StoreInUse, match="hookgram move"):
            await register(early, "shop")
    finally:
        await early.close()
    assert await moved(filled, url, clock)


async def test_the_source_works_again_when_the_move_is_given_up(filled, url, clock, small):
    before = in_file(filled)
    assert not await moved(filled, url, clock, at_most=3)
    async with leaving(filled, clock, looking=False) as source:
        await move.give_up(source)
        with pytest.raises(NotFound):
            await move.give_up(source)
    await (await open_sqlite(filled, clock=clock)).close()
    assert in_file(filled) == before
    with pytest.raises(Refused, match="a part of another move"):
        await moved(filled, url, clock)


async def test_a_database_where_a_gateway_worked_is_refused_and_nothing_is_marked(
    filled, url, clock
):
    store = await open_postgres(url, clock=clock)
    await store.probe()
    await store.close()
    with pytest.raises(Refused, match="not empty"):
        await moved(filled, url, clock)
    await (await open_sqlite(filled, clock=clock)).close()


async def test_what_was_moved_is_moved_to_no_second_place(filled, url, clock):
    assert await moved(filled, url, clock)
    name = await running().database()
    try:
        with pytest.raises(Refused, match="was moved to"):
            await moved(filled, running().url(name), clock)
    finally:
        await running().drop(name)


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM delivery WHERE id = (SELECT max(id) FROM delivery)",
        "DELETE FROM attempt",
        "UPDATE delivery SET state = 4 WHERE id = (SELECT max(id) FROM delivery WHERE state = 1)",
        "UPDATE event SET body = body || 'x' WHERE seq = (SELECT min(seq) FROM event)",
        "UPDATE counter SET value = value + 1",
        "INSERT INTO seen VALUES (1, 1, 1, 'x')",
    ],
)
async def test_ends_that_differ_are_noticed_and_both_stay_closed(filled, url, clock, small, harm):
    source_rows = 0
    async with leaving(filled, clock, looking=False) as source, filling(url) as destination:
        mark = await move.begin(source, destination, "one")
        async for parcel in move.carry(source, destination, mark):
            source_rows += len(parcel.rows)
        async with connected(url) as connection:
            await connection.execute(harm)
        outcome = await move.end(source, destination, mark)
        assert not outcome.equal
        assert source_rows == (await source.count()).total
    with pytest.raises(StoreInUse):
        await open_postgres(url, clock=clock)
    with pytest.raises(StoreInUse):
        await open_sqlite(filled, clock=clock)


async def test_rows_of_somebody_else_in_the_way_are_told(filled, url, clock, small):
    assert not await moved(filled, url, clock, at_most=1)
    async with connected(url) as connection:
        await connection.execute("INSERT INTO polling VALUES (42, 1)")
    with pytest.raises(Refused, match="somebody else writes"):
        await moved(filled, url, clock)
