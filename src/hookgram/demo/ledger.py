"""The ledger: compares what was sent and acknowledged with what arrived and what the store says.

It stands outside the process: its inputs are the journals of the sender and of each receiver, and
the store's rows, read after the fact. It finds what is lost, invented, unstable, out of order or
unsettled; duplicates are counted, and must be explained.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

UNSETTLED = (0, 1, 2)
DELIVERED, DEAD, CANCELLED = 3, 4, 5
EXAMPLES = 3

Entry: TypeAlias = Mapping[str, Any]


class Row(Struct, frozen=True):
    """A delivery as the store has it."""

    target: str
    update_id: int | None
    event_id: str
    state: int
    reason: str | None


class Books(Struct, frozen=True, kw_only=True):
    """Everything there is to compare. *received* is by target."""

    sent: Sequence[Entry]
    received: Mapping[str, Sequence[Entry]]
    rows: Sequence[Row]
    counters: Mapping[tuple[str, str], int]


class Verdict(Struct, frozen=True, kw_only=True):
    """What the ledger found. ``problems`` names each kind of finding with its examples."""

    acknowledged: int
    delivered: int
    dead: int
    duplicates: int
    problems: Mapping[str, Sequence[str]]

    @property
    def ok(self) -> bool:
        """Whether the ledger closes."""
        return not any(self.problems.values())

    def __str__(self) -> str:
        """Say it in a line, and a line for each kind of problem."""
        lines = [
            ("the ledger closes: " if self.ok else "THE LEDGER DOES NOT CLOSE: ")
            + f"{self.acknowledged} acknowledged, {self.delivered} delivered, {self.dead} dead, "
            + f"{self.duplicates} duplicates, {len(self.problems.get('lost', ()))} lost"
        ]
        for kind, found in self.problems.items():
            if found:
                examples = "; ".join(found[:EXAMPLES])
                lines.append(f"  {kind} ({len(found)}): {examples}")
        return "\n".join(lines)


def audit(books: Books, *, duplicates_allowed: int = 0, may_be_dead: Iterable[str] = ()) -> Verdict:
    """Close the books.

    *duplicates_allowed*: how many second 2xx answers of a target kills and stops explain (kills ×
    slots). *may_be_dead*: targets whose dead letters are expected.
    """
    acked = _acknowledged(books.sent)
    duplicates = {name: _duplicates(entries) for name, entries in books.received.items()}
    excused = frozenset(may_be_dead)
    problems = {
        "lost": _lost(books, acked),
        "invented": _invented(books),
        "unstable ids": _unstable(books),
        "out of order": [
            problem for name in books.received for problem in _disordered(books, name, acked)
        ],
        "unsettled": [_named(row) for row in books.rows if row.state in UNSETTLED],
        "dead": [_named(r) for r in books.rows if r.state == DEAD and r.target not in excused],
        "delivered by word only": _by_word_only(books),
        "counted wrong": _miscounted(books),
        "duplicates beyond what is explained": [
            f"{name}: {count} > {duplicates_allowed}"
            for name, count in duplicates.items()
            if count > duplicates_allowed
        ],
    }
    states = Counter(row.state for row in books.rows)
    return Verdict(
        acknowledged=len(acked),
        delivered=states[DELIVERED],
        dead=states[DEAD],
        duplicates=sum(duplicates.values()),
        problems=problems,
    )


def _named(row: Row) -> str:
    return f"{row.target}: update {row.update_id} ({row.reason or 'no reason'})"


def _acknowledged(sent: Sequence[Entry]) -> dict[int, int]:
    """Return each acknowledged update's place in the order of the first sendings answered 2xx."""
    order: dict[int, int] = {}
    for entry in sent:
        if entry["what"] == "acked" and entry["update_id"] is not None:
            order.setdefault(entry["update_id"], len(order))
    return order


def _taken(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if 200 <= entry["status"] < 300]


def _lost(books: Books, acked: Mapping[int, int]) -> list[str]:
    """Find acknowledged updates that a target neither took nor has as a dead letter."""
    ended = {(row.target, row.update_id) for row in books.rows if row.state in {DEAD, CANCELLED}}
    found = []
    for name, entries in books.received.items():
        taken = {entry["update_id"] for entry in _taken(entries)}
        found += [
            f"{name}: update {update_id}"
            for update_id in acked
            if update_id not in taken and (name, update_id) not in ended
        ]
    return found


def _invented(books: Books) -> list[str]:
    """Find what arrived and was never sent, was changed on the way, or is not signed by us."""
    known = defaultdict(set)
    for entry in books.sent:
        if entry["what"] == "posted":
            known[entry["update_id"]].add(entry["raw_sha256"])
    return [
        f"{name}: update {entry['update_id']}"
        for name, entries in books.received.items()
        for entry in entries
        if entry["raw_sha256"] not in known[entry["update_id"]] or not entry["signed"]
    ]


def _unstable(books: Books) -> list[str]:
    """Find one update under two ids, or two updates under one."""
    ids: dict[tuple[Any, Any], set[str]] = defaultdict(set)
    contents: dict[str, set[Any]] = defaultdict(set)
    for entries in books.received.values():
        for entry in entries:
            ids[entry["update_id"], entry["raw_sha256"]].add(entry["id"])
            contents[entry["id"]].add((entry["update_id"], entry["raw_sha256"]))
    twice = [f"update {key[0]} as {sorted(names)}" for key, names in ids.items() if len(names) > 1]
    return twice + [f"{name} for {len(c)} updates" for name, c in contents.items() if len(c) > 1]


def _disordered(books: Books, target: str, acked: Mapping[int, int]) -> list[str]:
    """Find lanes in which a later update was first taken before an earlier one that is not dead.

    The order of a lane is the order in which its updates were acknowledged: one at a time.
    """
    lanes = {e["update_id"]: e["queue"] for e in books.sent if e["what"] == "posted"}
    dead = {row.update_id for row in books.rows if row.target == target and row.state == DEAD}
    first: dict[int, int] = {}
    for place, entry in enumerate(_taken(books.received[target])):
        if entry["replay_of"] is None:
            first.setdefault(entry["update_id"], place)
    latest: dict[str, tuple[int, int]] = {}
    found = []
    for update_id in sorted(acked, key=acked.__getitem__):
        lane = lanes[update_id]
        if update_id in dead or update_id not in first or lane.startswith("alone:"):
            continue
        place, before = latest.get(lane, (-1, -1))
        if first[update_id] < place:
            found.append(f"{target}: {lane}: {update_id} before {before}")
        latest[lane] = max((first[update_id], update_id), (place, before))
    return found


def _duplicates(entries: Sequence[Entry]) -> int:
    times = Counter(entry["id"] for entry in _taken(entries) if entry["replay_of"] is None)
    return sum(count - 1 for count in times.values())


def _by_word_only(books: Books) -> list[str]:
    """Find deliveries that the store calls delivered and the target never took."""
    taken = {
        (name, entry["id"]) for name, entries in books.received.items() for entry in _taken(entries)
    }
    return [
        _named(row)
        for row in books.rows
        if row.state == DELIVERED
        and row.target in books.received
        and (row.target, row.event_id) not in taken
    ]


def _miscounted(books: Books) -> list[str]:
    """Find targets whose kept counters do not add up with their rows."""
    found = []
    for name in books.received:
        rows = Counter(row.state for row in books.rows if row.target == name)
        ended = {"delivered": DELIVERED, "dead": DEAD, "cancelled": CANCELLED}
        expected = {word: rows[state] for word, state in ended.items()} | {"created": rows.total()}
        found += [
            f"{name}: {word} is {books.counters.get((name, word), 0)}, rows say {count}"
            for word, count in expected.items()
            if books.counters.get((name, word), 0) != count
        ]
    return found


def read_store(path: Path) -> tuple[list[Row], dict[tuple[str, str], int]]:
    """Read the deliveries and the counters of a SQLite store that nobody cleans up meanwhile."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT t.name, e.update_id, e.event_id, d.state, d.reason FROM delivery d"
            " JOIN event e ON e.seq = d.event_seq JOIN target t ON t.id = d.target_id"
        ).fetchall()
        counters = connection.execute(
            "SELECT t.name, c.name, sum(c.value) FROM counter c"
            " JOIN target t ON t.id = c.target_id GROUP BY 1, 2"
        ).fetchall()
    return [Row(*row) for row in rows], {(target, name): n for target, name, n in counters}
