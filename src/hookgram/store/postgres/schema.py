"""The schema's steps: forward only, each in a transaction with its number.

The lock that lets one replica at a time do them belongs to that transaction, so a crash frees it.
A step must leave the schema usable by the version before it, because old and new replicas work
side by side while they are exchanged.
"""

from __future__ import annotations

from importlib.resources import files

import asyncpg

from hookgram.errors import SchemaMismatch, StoreMissing
from hookgram.store.migrations import outstanding, read_migrations

MIGRATIONS = read_migrations(files(__package__) / "migrations")
LOCK = 0x686F6F6B6772616D
"""The name of the lock: "hookgram" in ASCII."""
PATIENCE = 300.0
"""Seconds that a step may take, others' steps included."""

BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
VERSION = "SELECT coalesce(max(number), 0) FROM migration"


async def migrate(db: asyncpg.Connection) -> None:
    """Run the outstanding steps; raises SchemaMismatch if the schema is newer than we know."""
    if await db.fetchval("SELECT to_regclass('migration') IS NOT NULL", timeout=PATIENCE):
        version = await db.fetchval(VERSION, timeout=PATIENCE)
        if not outstanding(MIGRATIONS, version):
            return
    while await _step(db):
        pass


async def check_current(db: asyncpg.Connection) -> None:
    """Refuse another schema than ours: running gateways may work with it."""
    there = await db.fetchval("SELECT to_regclass('migration') IS NOT NULL", timeout=PATIENCE)
    version = await db.fetchval(VERSION, timeout=PATIENCE) if there else 0
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
        await db.execute(f"SELECT pg_advisory_xact_lock({LOCK})", timeout=PATIENCE)
        await db.execute(BOOKKEEPING, timeout=PATIENCE)
        # Read under the lock: another replica may have been quicker.
        version = await db.fetchval(VERSION, timeout=PATIENCE)
        for step in outstanding(MIGRATIONS, version)[:1]:
            await db.execute(step.sql, timeout=PATIENCE)
            done = "INSERT INTO migration (number, name) VALUES ($1, $2)"
            await db.execute(done, step.number, step.name, timeout=PATIENCE)
            return True
    return False
