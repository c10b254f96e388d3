"""The schema's steps: forward only, each in a transaction with its number.

The lock that lets one replica at a time do them belongs to that transaction, so a crash frees it.
A step must leave the schema usable by the version before it, because old and new replicas work
side by side while they are exchanged. A step that wants a table to itself may have to wait for
somebody who reads there for long, and everybody else would queue behind it: so it gives way after
a moment and tries again.
"""

from __future__ import annotations

import asyncio
import random
from importlib.resources import files

import asyncpg

from hookgram.errors import SchemaMismatch, StoreMissing
from hookgram.store.migrations import outstanding, read_migrations
from hookgram.store.postgres.transaction import SQL

MIGRATIONS = read_migrations(files(__package__) / "migrations")
PATIENCE = 300.0
"""Seconds that a step may take, others' steps included."""
REST = 1.0
"""Seconds, about, between two tries of a step that did not get its locks."""


async def migrate(db: asyncpg.Connection) -> None:
    """Run the outstanding steps; raises SchemaMismatch if the schema is newer than we know.

    Tries for ``PATIENCE`` seconds to have the locks of a step; then raises what the library does.
    """
    if await db.fetchval(SQL["has_schema"].sql, timeout=PATIENCE):
        version = await db.fetchval(SQL["version"].sql, timeout=PATIENCE)
        if not outstanding(MIGRATIONS, version):
            return
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        try:
            if not await _step(db):
                return
        except asyncpg.LockNotAvailableError:
            if loop.time() > end:
                raise
            await asyncio.sleep(REST * random.uniform(0.5, 1.5))  # noqa: S311 - to part replicas


async def check_current(db: asyncpg.Connection) -> None:
    """Refuse another schema than ours: running gateways may work with it."""
    there = await db.fetchval(SQL["has_schema"].sql, timeout=PATIENCE)
    version = await db.fetchval(SQL["version"].sql, timeout=PATIENCE) if there else 0
    if version == 0:
        raise StoreMissing("there is no store in the database yet")
    if outstanding(MIGRATIONS, version):
        raise SchemaMismatch(
            f"the store's schema has version {version}, this hookgram works with "
            f"{len(MIGRATIONS)}: use the hookgram that the gateway runs, or start the gateway "
            "with this one, which brings the schema up to date"
        )


async def _step(db: asyncpg.Connection) -> bool:
    """Run the next step, if there is one, under the lock."""
    async with db.transaction():
        await db.execute(SQL["lock_schema"].sql, timeout=PATIENCE)
        await db.execute(SQL["make_bookkeeping"].sql, timeout=PATIENCE)
        # Read under the lock: another replica may have been quicker.
        version = await db.fetchval(SQL["version"].sql, timeout=PATIENCE)
        for step in outstanding(MIGRATIONS, version)[:1]:
            await db.execute(SQL["give_way"].sql, timeout=PATIENCE)
            await db.execute(step.sql, timeout=PATIENCE)
            await db.execute(SQL["note_step"].sql, step.number, step.name, timeout=PATIENCE)
            return True
    return False
