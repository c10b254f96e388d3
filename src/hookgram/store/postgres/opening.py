"""Opens the store in a database: three connections, once the schema is ours."""

from __future__ import annotations

from contextlib import AsyncExitStack

from hookgram.ports import Clock
from hookgram.store.postgres.connection import Link, examine
from hookgram.store.postgres.hosts import Hosts
from hookgram.store.postgres.journal_reader import DEADLINE
from hookgram.store.postgres.move import refuse_moving
from hookgram.store.postgres.reader import Reader
from hookgram.store.postgres.schema import check_current, migrate
from hookgram.store.postgres.store import PostgresStore
from hookgram.store.postgres.transaction import View
from hookgram.store.postgres.troubles import telling
from hookgram.store.postgres.writer import Writer


async def open_postgres(
    url: str,
    *,
    existing: bool = False,
    clock: Clock | None = None,
    shard: str = "main",
    deadline: float = DEADLINE,
    direct: str | None = None,
) -> PostgresStore:
    """Open the store in the database at *url* and bring its schema up to date.

    With *existing*, for commands beside gateways, the schema is left as it is: StoreMissing or
    SchemaMismatch if it is not ours. *shard* names this replica among those that count. Without a
    *clock* (tests give one) the server's is used. No call waits longer than *deadline* seconds.
    *direct*: the same database past a pooler, where hints of others' work can be heard.
    Raises SettingsError for a database that cannot keep the promise, SchemaMismatch, StoreInUse
    while it is being moved to, StoreUnavailable when nobody answers.
    """
    hosts = Hosts(url)
    await examine(hosts)
    links = [Link(hosts, patience=deadline) for _ in range(3)]
    async with AsyncExitStack() as stack:
        for link in links:
            stack.push_async_callback(link.close)
        with telling():
            db = await links[0].open()
            await (check_current if existing else migrate)(db)
            await refuse_moving(View(db))
        stack.pop_all()
    taking, working = (Writer(link, clock, shard, deadline) for link in links[:2])
    return PostgresStore(taking, working, Reader(links[2], deadline), links, direct or url)
