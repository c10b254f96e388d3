"""The laws of a move's ends: nobody works on either before all is counted, and only one after."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.postgres import connected, running
from hookgram.core.move import Mark
from hookgram.errors import NotFound, Refused, SchemaMismatch, StoreInUse, StoreUnavailable
from hookgram.store.opening import filling, leaving
from hookgram.store.postgres import open_postgres
from hookgram.store.postgres.schema import MIGRATIONS
from hookgram.store.postgres.transaction import SQL
from hookgram.store.sqlite import open_sqlite
from hookgram.usecases import move
from store.makers import HandClock, register
from store.moving import carried, in_database, in_file, moved, without_lease_ends


@pytest.mark.parametrize("step", ["begin", "end"])
async def test_a_move_cut_between_the_marks_of_its_ends_goes_on(filled, url, clock, step):
    async def cut(*_: Any) -> Mark:
        raise StoreUnavailable("gone")

    async with leaving(filled, clock, looking=False) as source, filling(url) as destination:
        setattr(destination, step, cut)
        with pytest.raises(StoreUnavailable):
            await carried(source, destination, "one")
    with pytest.raises(StoreInUse):
        await open_sqlite(filled, clock=clock)
    assert await moved(filled, url, clock)
    assert await in_database(url) == without_lease_ends(in_file(filled))
    await (await open_postgres(url, clock=clock)).close()


async def test_a_schema_that_was_half_made_is_made_and_an_older_one_in_use_is_refused(
    filled, url, clock
):
    await half_made(url)
    async with connected(url) as connection:
        await connection.execute("INSERT INTO probe VALUES ('old', 1)")
    with pytest.raises(SchemaMismatch):
        await moved(filled, url, clock)
    async with connected(url) as connection:
        await connection.execute("DELETE FROM probe")
    assert await moved(filled, url, clock)


async def half_made(url: str) -> None:
    """Leave what a first start leaves that is killed after the first step."""
    async with connected(url) as connection:
        await connection.execute(SQL["make_bookkeeping"].sql)
        await connection.execute(MIGRATIONS[0].sql)
        await connection.execute(SQL["note_step"].sql, 1, MIGRATIONS[0].name)


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
    await work(url, clock)
    with pytest.raises(Refused, match="not empty"):
        await moved(filled, url, clock)
    await (await open_sqlite(filled, clock=clock)).close()


async def test_a_gateway_that_works_before_the_database_is_marked_wins(filled, url, clock):
    async with leaving(filled, clock, looking=False) as source, filling(url) as destination:

        async def begin_late(move_id: str) -> Mark:
            await work(url, clock)
            return await begin(move_id)

        begin, destination.begin = destination.begin, begin_late
        with pytest.raises(Refused, match="not empty"):
            await move.begin(source, destination, "one")
    await (await open_sqlite(filled, clock=clock)).close()


async def work(url: str, clock: HandClock) -> None:
    store = await open_postgres(url, clock=clock)
    await store.probe()
    await store.close()


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
