"""The store as a move leaves it (see ``ports.MoveSource``): read in order of keys, never changed.

A place in it is the table and the key of the last row that was read, and nobody else's to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hookgram.core.model import State
from hookgram.core.move import (
    COLUMNS,
    MOST_BYTES,
    MOST_ROWS,
    NUMBERED,
    Inventory,
    Mark,
    Parcel,
    Table,
)
from hookgram.errors import StoreInUse
from hookgram.ports import Clock
from hookgram.store.sqlite.connection import Opening, check_there, open_reader, open_writer
from hookgram.store.sqlite.file_system import refuse_networked
from hookgram.store.sqlite.reader import Reader
from hookgram.store.sqlite.transaction import Row, View, listed
from hookgram.store.sqlite.troubles import opening_trouble

LEAST = -(2**63)
"""Comes before every number."""


class Walk(Struct, frozen=True):
    """How a table is read: by which statement, in the order of which columns, from where on."""

    statement: str
    key: tuple[str, ...]
    first: tuple[Any, ...]


WALKS = {
    Table.BOT: Walk("move_bots", ("bot_id",), (LEAST,)),
    Table.TARGET: Walk("move_targets", ("id",), (LEAST,)),
    Table.EVENT: Walk("move_event_lengths", ("seq",), (LEAST,)),
    Table.DELIVERY: Walk("move_deliveries", ("id",), (LEAST,)),
    Table.ATTEMPT: Walk("move_attempts", ("delivery_id", "number"), (LEAST, LEAST)),
    Table.SEEN: Walk("move_seen", ("bot_id", "update_id", "digest"), (LEAST, LEAST, b"")),
    Table.REFUSED_CHAT: Walk("move_refused_chats", ("bot_id", "chat_id"), (LEAST, LEAST)),
    Table.AUTHORISED_CHAT: Walk("move_authorised_chats", ("chat_id",), (LEAST,)),
    Table.MOVED_CHAT: Walk("move_moved_chats", ("chat_id", "former"), (LEAST, LEAST)),
    Table.POLLING: Walk("move_offsets", ("bot_id",), (LEAST,)),
    Table.WEBHOOK: Walk("move_webhooks", ("bot_id",), (LEAST,)),
    Table.COUNTER: Walk("move_counters", ("target_id", "shard", "name"), (LEAST, "", "")),
}


async def open_move_source(path: Path, clock: Clock, *, looking: bool) -> SqliteMoveSource:
    """Open the store at *path*, which must be there, and bring its schema up to date.

    The caller holds its lock, unless it is *looking* only: then nothing can be changed, and the
    schema must be current. Raises StoreMissing, SchemaMismatch, and what opening raises.
    """

    def opened() -> Any:
        refuse_networked(path)
        if looking:
            return open_reader(Opening(path=path, existing=True))
        check_there(path)
        return open_writer(Opening(path=path))

    with opening_trouble(path):
        return SqliteMoveSource(Reader(await asyncio.to_thread(opened)), clock)


def refuse_moved(view: View, path: Path) -> None:
    """Raise StoreInUse if a move from here began."""
    left = mark(view)
    if left is None:
        return
    way_back = f"To work here again nevertheless: hookgram move --from sqlite:{path} --give-up"
    if left.ended_at is None:
        raise StoreInUse(
            f"{path} is being moved to {left.destination}: give the same `hookgram move` again, "
            f"until it says that all is there. {way_back}"
        )
    raise StoreInUse(
        f"{path} was moved to {left.destination}: work there (QUEUE_BACKEND=postgres and "
        f"DATABASE_URL). {way_back}"
    )


class SqliteMoveSource:
    """A ``ports.MoveSource`` on one file; *reader* runs everything in one thread."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def mark(self) -> Mark | None:
        """Tell of the move that began from here."""
        return await self._reader.read(mark)

    async def begin(self, move_id: str, destination: str) -> None:
        """Note that a move begins."""
        noted = {"move_id": move_id, "destination": destination, "now": self._clock()}
        await self._reader.read(lambda view: view.rows("move_begin", noted))

    async def give_up(self) -> None:
        """Forget the move."""
        await self._reader.read(lambda view: view.rows("move_give_up"))

    async def count(self) -> Inventory:
        """Count what is to be carried."""
        return await self._reader.read(_count)

    async def parcel(self, place: bytes | None) -> Parcel | None:
        """Read what comes behind *place*."""
        return await self._reader.read(partial(_parcel, place=place))

    async def last_numbers(self) -> Mapping[Table, int]:
        """Tell the last numbers ever given."""
        rows = await self._reader.read(lambda view: view.rows("move_last_numbers"))
        given: dict[str, int] = dict(rows)
        return {table: given.get(table.value, 0) for table in NUMBERED}

    async def end(self) -> None:
        """Note that all was carried."""
        ended = {"now": self._clock()}
        await self._reader.read(lambda view: view.rows("move_end", ended))

    async def close(self) -> None:
        """Close the file."""
        await self._reader.close()


def mark(view: View) -> Mark | None:
    """Tell of the move that began from here."""
    row = view.row("move_mark")
    if row is None:
        return None
    return Mark(move_id=row[0], destination=row[1], began_at=row[2], ended_at=row[3])


def _parcel(view: View, place: bytes | None) -> Parcel | None:
    tables = list(Table)
    after: tuple[Any, ...] | None = None
    if place is not None:
        name, after = msgspec.msgpack.decode(place, type=tuple[Table, tuple[Any, ...]])
        tables = tables[tables.index(name) :]
    for table in tables:
        walk = WALKS[table]
        rows = view.rows(walk.statement, (*(after or walk.first), MOST_ROWS))
        after = None
        if rows:
            carried = _events(view, rows) if table is Table.EVENT else rows
            return Parcel(table=table, rows=tuple(carried), place=_place(table, carried[-1]))
    return None


def _events(view: View, lengths: list[Row]) -> list[Row]:
    """Read the first of the events, until their bodies are enough."""
    sums = accumulate(length for _, length in lengths)
    number = max(1, sum(1 for _ in takewhile(lambda so_far: so_far <= MOST_BYTES, sums)))
    return view.rows("move_events", {"seqs": listed([seq for seq, _ in lengths[:number]])})


def _place(table: Table, row: Row) -> bytes:
    key = [row[COLUMNS[table].index(column)] for column in WALKS[table].key]
    return msgspec.msgpack.encode((table, key))


def _count(view: View) -> Inventory:
    [plain] = view.rows("move_count_rows")
    whole = [table for table in Table if table not in (Table.EVENT, Table.DELIVERY)]
    counted = dict(zip(whole, plain, strict=True))
    [(counted[Table.EVENT], body_bytes)] = view.rows("move_count_events")
    deliveries = {
        (target_id, State(state)): number
        for target_id, state, number in view.rows("move_count_deliveries")
    }
    counted[Table.DELIVERY] = sum(deliveries.values())
    return Inventory(
        rows=counted,
        body_bytes=body_bytes,
        targets=dict(view.rows("move_names")),
        deliveries=deliveries,
        counters={(t, name): value for t, name, value in view.rows("move_count_counters")},
    )
