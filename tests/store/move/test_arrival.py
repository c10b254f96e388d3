"""The laws of a move: all that is owed arrives as it was, once, and goes on in its order."""

from __future__ import annotations

from typing import Any

import apsw

from fakes.postgres import connected
from hookgram.core.model import SECOND, State
from hookgram.core.move import COLUMNS, Table
from hookgram.ports import Store
from hookgram.store.opening import leaving
from hookgram.store.postgres import open_postgres
from hookgram.store.sqlite import move as leaving_sqlite
from hookgram.store.sqlite import open_sqlite
from store.makers import (
    HandClock,
    accept,
    arrival,
    claim,
    deliver,
    owe,
    owed,
    register,
    release,
    retry,
)
from store.moving import in_database, in_file, moved, without_lease_ends

LEFT = {"duty", "probe", "move"}
"""What stays: who does what at this moment, and the move itself."""


async def test_all_that_is_carried_arrives_as_it_was(filled, url, clock):
    assert await moved(filled, url, clock)
    expected = without_lease_ends(in_file(filled))
    assert all(expected[table] for table in Table if table is not Table.BOT)
    states = {row[COLUMNS[Table.DELIVERY].index("state")] for row in expected[Table.DELIVERY]}
    assert states == {State.WAITING, State.PENDING, State.LEASED, State.DEAD}
    assert await in_database(url) == expected


async def test_each_lane_knows_how_much_of_it_is_unsettled(filled, url, clock, small):
    assert await moved(filled, url, clock)
    async with connected(url) as connection:
        told = await connection.fetch("SELECT target_id, lane, unsettled FROM lane")
        found = await connection.fetch(
            "SELECT target_id, lane, count(*) FROM delivery"
            " WHERE state < 3 AND lane IS NOT NULL GROUP BY 1, 2"
        )
    assert len(found) > 5
    assert sorted(map(tuple, told)) == sorted(map(tuple, found))


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
    await release(store, lapsed[0])  # its try is taken back
    for taken in lapsed[1:]:
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
    assert await moved(filled, url, clock)
    db = apsw.Connection(str(filled), flags=apsw.SQLITE_OPEN_READONLY)
    last = dict(db.execute("SELECT name, seq FROM sqlite_sequence"))
    db.close()
    newest_kept = max(row[0] for row in in_file(filled)[Table.DELIVERY])
    assert last["delivery"] > newest_kept, "the newest was purged"
    store = await open_postgres(url, clock=clock)
    try:
        shop, new = await register(store, "shop", "new")
        known = (1_000).to_bytes(16, "big")
        [again] = await accept(store, arrival(owed(shop), update_id=1_000, digest=known))
        assert again is None
        assert await store.offset(42) == 7_000_002
        delivery = await store.delivery(await owe(store, shop))
        assert (delivery.delivery_id, delivery.event_seq) == (
            last["delivery"] + 1,
            last["event"] + 1,
        )
        assert new.target_id == last["target"] + 1
    finally:
        await store.close()


async def test_a_move_cut_after_any_parcel_goes_on_and_doubles_nothing(filled, url, clock, small):
    runs = 1
    while not await moved(filled, url, clock, at_most=1):
        runs += 1
        clock.step(SECOND)
    assert runs > 20
    assert await in_database(url) == without_lease_ends(in_file(filled))


async def test_no_parcel_holds_more_than_it_may(filled, clock, monkeypatch):
    monkeypatch.setattr(leaving_sqlite, "MOST_ROWS", 5)
    monkeypatch.setattr(leaving_sqlite, "MOST_BYTES", 60)
    place, sizes = None, []
    async with leaving(filled, clock, looking=True) as source:
        while (parcel := await source.parcel(place)) is not None:
            place = parcel.place
            assert len(parcel.rows) <= 5
            if parcel.table is Table.EVENT:
                sizes.append(sum(len(row[-1]) for row in parcel.rows))
                assert sizes[-1] <= 60 or len(parcel.rows) == 1
    assert sum(sizes) == sum(len(row[-1]) for row in in_file(filled)[Table.EVENT])


async def test_one_body_that_is_larger_than_a_parcel_goes_alone(filled, clock, monkeypatch):
    monkeypatch.setattr(leaving_sqlite, "MOST_BYTES", 1)
    async with leaving(filled, clock, looking=True) as source:
        place, events = None, 0
        while (parcel := await source.parcel(place)) is not None:
            place = parcel.place
            events += parcel.table is Table.EVENT
    assert events == len(in_file(filled)[Table.EVENT])
