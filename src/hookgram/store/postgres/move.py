"""The store as a move fills it (see ``ports.MoveDestination``): rows as they come, numbers too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from hookgram.core.model import State
from hookgram.core.move import COLUMNS, NUMBERED, Inventory, Mark, Parcel, Table, Value
from hookgram.errors import Refused, StoreInUse, StoreUnavailable
from hookgram.store.postgres.connection import Link, examine
from hookgram.store.postgres.hosts import Hosts
from hookgram.store.postgres.rows import read, written
from hookgram.store.postgres.schema import MIGRATIONS, check_current, migrate
from hookgram.store.postgres.transaction import (
    COMMIT,
    ROLLBACK,
    SQL,
    START,
    START_RELAXED,
    STATEMENT,
    Row,
    View,
    columns,
)
from hookgram.store.postgres.troubles import translated

PATIENCE = 8.0
"""Seconds to wait for a server that is away."""
COUNTING = 3600.0
"""Seconds that counting a whole table may take."""

INSERTS = {
    Table.BOT: "move_bots",
    Table.TARGET: "move_targets",
    Table.EVENT: "move_events",
    Table.DELIVERY: "move_deliveries",
    Table.ATTEMPT: "move_attempts",
    Table.SEEN: "move_seen",
    Table.REFUSED_CHAT: "move_refused_chats",
    Table.AUTHORISED_CHAT: "move_authorised_chats",
    Table.MOVED_CHAT: "move_moved_chats",
    Table.POLLING: "move_offsets",
    Table.WEBHOOK: "move_webhooks",
    Table.COUNTER: "move_counters",
}
NUMBERS = {
    Table.TARGET: "move_number_targets",
    Table.EVENT: "move_number_events",
    Table.DELIVERY: "move_number_deliveries",
}


async def open_move_destination(url: str) -> PostgresMoveDestination:
    """Connect to the database at *url*.

    Raises SettingsError for a database that cannot keep the promise, StoreUnavailable when nobody
    answers.
    """
    hosts = Hosts(url)
    await examine(hosts)
    return PostgresMoveDestination(Link(hosts, patience=PATIENCE), hosts.place)


async def refuse_moving(view: View) -> None:
    """Raise StoreInUse if a move to here began and has not ended."""
    mark = await _mark(view)
    if mark is not None and mark.ended_at is None:
        raise StoreInUse(
            "a move to this database has begun and is not at its end: give the same "
            "`hookgram move` again, until it says that all is there"
        )


class PostgresMoveDestination:
    """A ``ports.MoveDestination`` in one database, on one connection."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = name

    @property
    def name(self) -> str:
        """Host and name of the database."""
        return self._name

    async def mark(self) -> Mark | None:
        """Tell of the move that began to here; None if it is empty."""
        async with self._connected() as db:
            if await _version(db) < len(MIGRATIONS):
                await self._check_fresh(db)
                return None
            await check_current(db)
            mark = await _mark(View(db))
            if mark is None:
                await self._check_empty(View(db))
            return mark

    async def begin(self, move_id: str) -> Mark:
        """Note that the move begins, or tell how far it is; makes the schema if there is none."""
        async with self._connected() as db:
            if await _version(db) < len(MIGRATIONS):
                await self._check_fresh(db)
            await migrate(db)
        async with self._transaction() as view:
            await view.rows("move_lock_targets")
            row = await view.row("move_hold_mark")
            if row is None:
                await self._check_empty(view)
                [now] = await view.rows("now")
                row = await view.row("move_begin", move_id=move_id, now=now[0])
        mark = _mark_of(row)
        if mark is None or mark.move_id != move_id:
            raise Refused(f"another move to {self.name} has begun")
        return mark

    async def _check_fresh(self, db: asyncpg.Connection) -> None:
        """Refuse an older schema that somebody works with."""
        if await _version(db) and (await View(db).rows("move_once_in_use"))[0][0]:
            await check_current(db)

    async def _check_empty(self, view: View) -> None:
        if (await view.rows("move_in_use"))[0][0]:
            raise Refused(
                f"{self.name} is not empty: a gateway has worked there. Make a database for the "
                "move, and start gateways on it when the move is done"
            )

    async def take(self, move_id: str, parcel: Parcel, *, after: bytes | None) -> None:
        """Keep the rows and how far it is, all or nothing."""
        names = COLUMNS[parcel.table]
        given = columns([tuple(map(_written, row)) for row in parcel.rows], names)
        try:
            async with self._transaction(durable=False) as view:
                steps = {"move_id": move_id, "place": parcel.place, "after": after}
                if not await view.rows("move_advance", **steps):
                    raise Refused(f"another process moves to {self.name} at the same time")
                await view.rows(INSERTS[parcel.table], **given)
        except asyncpg.UniqueViolationError as error:
            raise Refused(
                f"somebody else writes to {self.name}: stop whatever works there, make the "
                "database anew, and give the same command again"
            ) from error

    async def count(self) -> Inventory:
        """Count what is here."""
        async with self._connected() as db:
            [plain] = await _counted(db, "move_count_rows")
            deliveries = await _counted(db, "move_count_deliveries")
            counters = await _counted(db, "move_count_counters")
            names = await _counted(db, "move_names")
        return Inventory(
            rows=dict(zip(Table, plain[: len(Table)], strict=True)),
            body_bytes=plain[len(Table)],
            targets={row[0]: read(row[1]) or "" for row in names},
            deliveries={(row[0], State(row[1])): row[2] for row in deliveries},
            counters={(row[0], row[1]): row[2] for row in counters},
        )

    async def end(self, move_id: str, last_numbers: Mapping[Table, int]) -> None:
        """Go on behind the last numbers and let gateways start."""
        async with self._transaction() as view:
            for table in NUMBERED:
                await view.rows(NUMBERS[table], last=last_numbers[table])
            [now] = await view.rows("now")
            await view.rows("move_end", move_id=move_id, now=now[0])
            await view.rows("turn_page")

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    @asynccontextmanager
    async def _transaction(self, *, durable: bool = True) -> AsyncIterator[View]:
        """Run a block as one transaction. What need not be durable is so with the next that is."""
        async with self._connected() as db:
            await db.execute(START if durable else START_RELAXED, timeout=STATEMENT)
            try:
                yield View(db)
            except Refused:
                await db.execute(ROLLBACK, timeout=STATEMENT)
                raise
            if await db.execute(COMMIT, timeout=STATEMENT) != COMMIT:
                raise StoreUnavailable("PostgreSQL rolled the transaction back")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        """Give the connection up after trouble; what it held is rolled back by that."""
        try:
            yield await self._link.open()
        except Refused:
            raise
        except BaseException as error:
            self._link.drop()
            if isinstance(error, Exception) and translated(error) is not error:
                raise translated(error) from error
            raise


async def _version(db: asyncpg.Connection) -> int:
    if not await db.fetchval(SQL["has_schema"].sql, timeout=STATEMENT):
        return 0
    return int(await db.fetchval(SQL["version"].sql, timeout=STATEMENT))


async def _counted(db: asyncpg.Connection, name: str) -> list[Row]:
    found: list[Row] = await db.fetch(SQL[name].sql, timeout=COUNTING)
    return found


async def _mark(view: View) -> Mark | None:
    return _mark_of(await view.row("move_mark"))


def _mark_of(row: Row | None) -> Mark | None:
    if row is None:
        return None
    return Mark(move_id=row[0], began_at=row[1], ended_at=row[2], place=row[3])


def _written(value: Value) -> Any:
    return written(value) if isinstance(value, str) else value
