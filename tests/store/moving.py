"""What the laws of a move are stated with: a store full of everything, and what is at both ends."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import apsw

from fakes.postgres import connected
from hookgram.core.model import SECOND, Offset, Priority
from hookgram.core.move import COLUMNS, Table
from hookgram.ports import MoveDestination, MoveSource, Store
from hookgram.store.opening import filling, leaving
from hookgram.store.postgres.rows import read
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


async def moved(path: Path, url: str, clock: HandClock, *, at_most: int = 10_000) -> bool:
    """Move, at most so many parcels; tell whether it was done."""
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(leaving(path, clock, looking=False))
        destination = await stack.enter_async_context(filling(url))
        return await carried(source, destination, f"move at {clock()}", at_most)


async def carried(
    source: MoveSource, destination: MoveDestination, move_id: str, at_most: int = 10_000
) -> bool:
    mark = await move.begin(source, destination, move_id)
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
