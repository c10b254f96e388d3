"""What the ledger compares: the journals, and the store's rows as they are read after the fact."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

Entry: TypeAlias = Mapping[str, Any]


class Row(Struct, frozen=True):
    """A delivery as the store has it."""

    target: str
    update_id: int | None
    event_id: str
    state: int
    reason: str | None
    body_sha256: str


class Books(Struct, frozen=True, kw_only=True):
    """Everything there is to compare. *received* is by target."""

    sent: Sequence[Entry]
    received: Mapping[str, Sequence[Entry]]
    rows: Sequence[Row]
    counters: Mapping[tuple[str, str], int]


def read_store(path: Path) -> tuple[list[Row], dict[tuple[str, str], int]]:
    """Read the deliveries and the counters of a SQLite store that nobody cleans up meanwhile."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT t.name, e.update_id, e.event_id, d.state, d.reason, e.body FROM delivery d"
            " JOIN event e ON e.seq = d.event_seq JOIN target t ON t.id = d.target_id"
        ).fetchall()
        counters = connection.execute(
            "SELECT t.name, c.name, sum(c.value) FROM counter c"
            " JOIN target t ON t.id = c.target_id GROUP BY 1, 2"
        ).fetchall()
    read = [
        Row(target, update_id, event_id, state, reason, sha256(body).hexdigest())
        for target, update_id, event_id, state, reason, body in rows
    ]
    return read, {(target, name): n for target, name, n in counters}
