"""One connection to the database: opened when needed, checked, given up after trouble.

Nothing is kept in a session, so a pooler may stand between and give each transaction another
server process. It is noticed by the process number that it makes up; statements are then not
prepared by name, because names would meet those of others.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import asyncpg

from hookgram.errors import SettingsError, StoreUnavailable
from hookgram.store.postgres.hosts import Hosts
from hookgram.store.postgres.transaction import LIMITS, SESSION, SQL
from hookgram.store.postgres.troubles import CUT, cuts

CONNECT = 5.0
"""Seconds that opening a connection may take."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
FRESH = 1.0
"""Seconds after its last use in which a connection is trusted to be there still."""
OLDEST = 140_000
READ_ONLY = "is read-only, a standby perhaps: name the primary"
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
)
"""What another setting must mend, when it comes at the start."""


class Link:
    """Holds the one connection of whoever owns it. *patience*: seconds to wait for the server."""

    def __init__(self, hosts: Hosts, *, patience: float) -> None:
        self._hosts = hosts
        self._patience = patience
        self._db: asyncpg.Connection | None = None
        self._closed = False
        self.pooled = False
        """Whether the connection is a pooler's, which keeps nothing between transactions."""
        self.reconnected: Callable[[], None] = lambda: None
        self._used_at = 0.0

    def takes_single(self) -> bool:
        """Tell whether a statement may go without a transaction around it.

        At a pooler its parts might reach two servers; and one that has rested may be gone
        unnoticed, which the start of a transaction finds out without harm.
        """
        fresh = time.monotonic() - self._used_at < FRESH
        self._used_at = time.monotonic()
        return fresh and not self.pooled

    async def open(self) -> asyncpg.Connection:
        """Return the open connection; waits for the server. Raises StoreUnavailable."""
        if self._db is not None and not self._db.is_closed():
            return self._db
        lost = self._db is not None
        self._db = await self._insist()
        if lost:
            self.reconnected()
        return self._db

    async def _insist(self) -> asyncpg.Connection:
        end, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while True:
            try:
                db, self.pooled = await self._hosts.first(connect, CONNECT)
            except Exception as error:
                if not (cuts(error) or isinstance(error, StoreUnavailable)):
                    raise
                if self._closed or time.monotonic() + pause > end:
                    raise StoreUnavailable(f"PostgreSQL is not there: {error}") from error
            else:
                return db
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - to spread replicas
            pause = min(pause * 2, LONGEST_PAUSE)

    async def start(self, sql: str, *, deadline: float) -> asyncpg.Connection:
        """Start a transaction with *sql*; on a new connection if the old one proves to be gone."""
        db = await self.open()
        try:
            await db.execute(self._limited(sql), timeout=deadline)
        except Exception as error:
            self.drop()
            if not cuts(error):
                raise
            db = await self.open()
            await db.execute(self._limited(sql), timeout=deadline)
        return db

    def _limited(self, sql: str) -> str:
        return f"{sql};\n{LIMITS}" if self.pooled else sql

    def drop(self) -> None:
        """Give the connection up at once; the server rolls back what it held."""
        if self._db is not None:
            self._db.terminate()

    async def close(self) -> None:
        """Say goodbye, if somebody is there."""
        self._closed = True
        if self._db is not None and not self._db.is_closed():
            try:
                await self._db.close(timeout=1)
            except (*CUT, asyncpg.PostgresError):
                self._db.terminate()


async def connect(url: str, limit: float) -> tuple[asyncpg.Connection, bool]:
    """Connect to a server that can be written to, in *limit* seconds; tell whether by a pooler.

    Raises what the library does, and StoreUnavailable when it cannot be written to.
    """
    db = await _connect(url, limit, cached=100)
    try:
        number = await db.fetchval(SQL["process"].sql, timeout=CONNECT)
        if number == db.get_server_pid():
            await db.execute(SESSION, timeout=CONNECT)
            return await _checked(db), False
    except BaseException:
        db.terminate()
        raise
    await db.close(timeout=1)
    return await _checked(await _connect(url, limit, cached=0)), True


async def _connect(url: str, limit: float, *, cached: int) -> asyncpg.Connection:
    # A name among the settings of the session would be refused by a pooler, so there is none.
    how: dict[str, Any] = {"statement_cache_size": cached, "timeout": limit}
    if "target_session_attrs" not in url:
        how["target_session_attrs"] = "any"
    async with asyncio.timeout(limit + 1):
        return await asyncpg.connect(url, **how)


async def _checked(db: asyncpg.Connection) -> asyncpg.Connection:
    if await db.fetchval(SQL["read_only"].sql, timeout=CONNECT) == "on":
        db.terminate()
        raise StoreUnavailable("the server is read-only (a standby?)")
    return db


async def examine(hosts: Hosts) -> None:
    """Refuse, in clear words, a database that the promise cannot be kept with.

    Of several hosts the one that can be written to is looked at. Raises SettingsError;
    StoreUnavailable when nobody answers, or none of several can be written to.
    """
    try:
        problems = await hosts.first(_look_for_the_primary if hosts.several else _look, CONNECT)
    except (*REFUSED, ValueError) as error:
        raise SettingsError([f"DATABASE_URL: {hosts.place} refuses us: {error}"]) from error
    except (*CUT, StoreUnavailable, asyncpg.PostgresError) as error:
        trouble = str(error) or type(error).__name__
        raise StoreUnavailable(f"PostgreSQL at {hosts.place} is not there: {trouble}") from error
    if problems:
        raise SettingsError([f"DATABASE_URL: {hosts.place} {problem}" for problem in problems])


async def _look_for_the_primary(url: str, limit: float) -> list[str]:
    problems = await _look(url, limit)
    if READ_ONLY in problems:
        raise StoreUnavailable("is a standby")
    return problems


async def _look(url: str, limit: float) -> list[str]:
    db = await _connect(url, limit, cached=0)
    try:
        return await _problems(db)
    finally:
        db.terminate()


async def _problems(db: asyncpg.Connection) -> list[str]:
    row = await db.fetchrow(SQL["settings"].sql, timeout=CONNECT)
    fsync, full_pages, waits, read_only, version, encoding = row
    wrong = {
        "runs with fsync off: a crash would lose what Telegram was told is stored; switch it on": (
            fsync == "off"
        ),
        "runs with full_page_writes off: a crash may damage it; switch it on": full_pages == "off",
        "has synchronous_commit off, for itself or for this user or database: a crash would lose "
        "what Telegram was told is stored; leave it on": waits == "off",
        READ_ONLY: read_only == "on",
        "is older than PostgreSQL 14: use a newer one": version < OLDEST,
        "does not keep UTF-8: make the database with ENCODING 'UTF8'": encoding != "UTF8",
    }
    return [problem for problem, holds in wrong.items() if holds]
