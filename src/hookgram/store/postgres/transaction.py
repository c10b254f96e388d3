"""What the ports' functions work with: named statements, one moment, and counts to add up."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from typing import Any, TypeAlias

import asyncpg
from msgspec import Struct

from hookgram.core.model import SECOND, Micros
from hookgram.store.named_sql import read_statements

Row: TypeAlias = asyncpg.Record

NO_TARGET = 0
"""The target id of counters that concern no target."""
STATEMENT = 5.0
"""Seconds that one statement may take, the network included."""

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")


class Statement(Struct, frozen=True):
    """A statement as the server wants it, and the names of its parameters in their order."""

    sql: str
    names: tuple[str, ...]


def compiled(text: str) -> Statement:
    """Put ``$1``, ``$2``, … in place of ``:name``; a name that comes twice is one parameter."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return Statement(_PARAMETER.sub(number, text), tuple(names))


SQL = {
    name: compiled(text)
    for file in ("queries.sql", "move.sql")
    for name, text in read_statements(files(__package__) / file).items()
}


def script(*names: str) -> str:
    """Return statements without parameters as one, sent in one go."""
    return ";\n".join(SQL[name].sql for name in names)


LIMITS = script("limits")
"""For one transaction: what a connection needs that a pooler gives away after each."""
SESSION = LIMITS.replace("SET LOCAL", "SET")
"""The same, for a connection of our own."""
START = script("begin")
START_RELAXED = script("begin", "relaxed")
START_READING = script("begin_reading")
COMMIT = script("commit")
ROLLBACK = script("rollback")


class View:
    """Named statements on one connection, each with a deadline."""

    __slots__ = ("_db",)

    def __init__(self, db: asyncpg.Connection) -> None:
        self._db = db

    async def rows(self, name: str, /, **values: Any) -> list[Row]:
        """Run the statement and return all its rows."""
        statement = SQL[name]
        given = [values[each] for each in statement.names]
        found: list[Row] = await self._db.fetch(statement.sql, *given, timeout=STATEMENT)
        return found

    async def row(self, name: str, /, **values: Any) -> Row | None:
        """Run the statement and return its first row, if there is one."""
        rows = await self.rows(name, **values)
        return rows[0] if rows else None


class Single(View):
    """A view for one statement that writes: a function of the schema, which counts by itself.

    ``at``: the moment to count with; None: the server's. ``told``: the server's time, if it told.
    """

    __slots__ = ("at", "shard", "told")

    def __init__(self, db: asyncpg.Connection, at: Micros | None, shard: str) -> None:
        super().__init__(db)
        self.at = at
        self.shard = shard
        self.told: Micros | None = None


class Transaction(Single):
    """A view that writes. ``now`` is the moment of everything in it."""

    __slots__ = ("counts", "now", "pages")

    def __init__(self, db: asyncpg.Connection, now: Micros, shard: str) -> None:
        super().__init__(db, now, shard)
        self.now = now
        self.counts: Counter[tuple[int, str]] = Counter()
        self.pages = 0
        """How often this transaction changed the book of targets and chats."""

    def count(self, name: str, target_id: int = NO_TARGET, times: int = 1) -> None:
        """Add to a counter; written once, with the others of the transaction, before it commits."""
        self.counts[target_id, name] += times

    async def turn_page(self) -> None:
        """Have other replicas notice, by the commit, that targets or chats changed."""
        self.pages += 1
        await self.rows("turn_page")

    async def write_counts(self) -> None:
        """Write the collected counts, in the order of their keys."""
        if not self.counts:
            return
        entries = sorted(self.counts.items())
        await self.rows(
            "add_counts",
            shard=self.shard,
            targets=[target_id for (target_id, _), _ in entries],
            names=[name for (_, name), _ in entries],
            deltas=[delta for _, delta in entries],
        )


def columns(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> dict[str, list[Any]]:
    """Turn rows into one list per column, as ``unnest`` takes them."""
    if not rows:
        return {name: [] for name in names}
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def seconds(duration: Micros) -> float:
    """Return a duration in seconds."""
    return duration / SECOND
