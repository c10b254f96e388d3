"""What the ports' functions work with: named statements, one moment, and counts to add up."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, TypeAlias

import apsw
import msgspec

from hookgram.core.counters import Counter
from hookgram.core.model import Micros
from hookgram.errors import NotFound
from hookgram.store.named_sql import read_statements

SQL = {
    name: statement
    for file in ("queries.sql", "move.sql")
    for name, statement in read_statements(files(__package__) / file).items()
}

Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = dict[str, Any] | tuple[Any, ...]

NO_TARGET = 0
"""The target id of counters that concern no target."""


SIZES = (64, 32, 16, 8, 4, 2, 1)
"""How many rows a statement is given at once: few sizes, so that each is prepared but once."""
ROW = re.compile(r"VALUES (\([?, ]+\))")


@cache
def _repeated(name: str, times: int) -> str:
    """Write the statement's one row of values as many times."""
    return ROW.sub(lambda row: ", ".join([row[0], *[row[1]] * (times - 1)]), SQL[name])


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into pieces of the sizes that statements are given."""
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


class View:
    """Named statements on one connection."""

    __slots__ = ("_cursor", "_db")

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._cursor = db.cursor()

    def rows(self, name: str, values: Values = ()) -> list[Row]:
        """Run the statement and return all its rows."""
        return self._cursor.execute(SQL[name], values).fetchall()

    def row(self, name: str, values: Values = ()) -> Row | None:
        """Run the statement to its end and return its first row, if there is one."""
        rows = self._cursor.execute(SQL[name], values).fetchall()
        return rows[0] if rows else None

    def each(self, name: str, rows: Sequence[Row]) -> list[Row]:
        """Run a statement with a row of values for all of *rows*; return all that comes back.

        Many at a time, so that there are few steps and each is long: every one has its price, and
        a thread has to wait for Python's lock after it.
        """
        found: list[Row] = []
        for some in _pieces(rows):
            found += self._run(name, some).fetchall()
        return found

    def _run(self, name: str, rows: Sequence[Row]) -> apsw.Cursor:
        return self._cursor.execute(_repeated(name, len(rows)), tuple(chain.from_iterable(rows)))


def listed(rows: Sequence[Any]) -> str:
    """Write a list for a statement that reads it by ``json_each``."""
    return msgspec.json.encode(rows).decode()


class Transaction(View):
    """A view that writes. ``now`` is the moment of everything in it."""

    __slots__ = ("_gone", "counts", "now")

    def __init__(self, db: apsw.Connection, now: Micros) -> None:
        super().__init__(db)
        self.now = now
        self.counts: collections.Counter[tuple[int, Counter]] = collections.Counter()
        self._gone: dict[int, bool] = {}

    def write(self, name: str, values: Values = ()) -> int:
        """Run the statement and return how many rows it changed."""
        self._cursor.execute(SQL[name], values)
        return self._db.changes()

    def last_id(self) -> int:
        """Return the id of the row inserted last."""
        return self._db.last_insert_rowid()

    def insert_many(self, name: str, rows: Sequence[Row]) -> list[int]:
        """Insert rows as ``each`` does; return their ids, in order."""
        ids: list[int] = []
        for some in _pieces(rows):
            self._run(name, some)
            last = self.last_id()
            ids += range(last - len(some) + 1, last + 1)
        return ids

    def count(self, counter: Counter, target_id: int = NO_TARGET, times: int = 1) -> None:
        """Add to a counter; written once, with the others of the transaction, before it commits."""
        self.counts[target_id, counter] += times

    def target_gone(self, target_id: int) -> bool:
        """Tell whether the target is removed; asked once. Raises NotFound if there is none."""
        gone = self._gone.get(target_id)
        if gone is None:
            row = self.row("target_gone", {"target_id": target_id})
            if row is None:
                raise NotFound(f"there is no target {target_id}")
            gone = self._gone[target_id] = bool(row[0])
        return gone

    def mark_gone(self, target_id: int) -> None:
        """Note that the target was removed in this very transaction."""
        self._gone[target_id] = True

    def write_counts(self, shard: str) -> None:
        """Write the collected counts, in the order of their keys."""
        for (target_id, counter), delta in sorted(self.counts.items()):
            values: Values = {
                "target_id": target_id,
                "shard": shard,
                "name": counter.value,
                "delta": delta,
            }
            self._cursor.execute(SQL["add_count"], values)
