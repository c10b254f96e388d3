"""The ledger: compares what was sent and acknowledged with what arrived and what the store says.

It stands outside the process: its inputs are the journals of the sender and of each receiver, and
the store's rows, read after the fact. It finds what is lost, invented, unstable, out of order or
unsettled; duplicates are counted, and must be explained.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from hookgram.demo.books import Books, Entry, Row, read_store
from hookgram.demo.verdict import Verdict

__all__ = ["Books", "Row", "Verdict", "audit", "read_store"]

UNSETTLED = (0, 1, 2)
DELIVERED, DEAD, CANCELLED = 3, 4, 5
REFUSED = 410

Key: TypeAlias = tuple[int | None, str]
"""What makes an update the same one: its id and its payload's digest (ids can come again)."""


class Story(Struct):
    """What the sender did with one update; places are those in its journal."""

    key: Key
    lane: str | None
    sent: int
    acked: int | None = None


def audit(
    books: Books,
    *,
    duplicates_allowed: int = 0,
    may_be_dead: Iterable[str] = (),
    may_be_unsettled: bool = False,
) -> Verdict:
    """Close the books.

    *duplicates_allowed*: how many second 2xx answers of a target kills and stops explain (kills ×
    slots). *may_be_dead*: targets whose dead letters are expected. *may_be_unsettled*: the run was
    cut short, so what the store still owes is not lost.
    """
    unsettled = [row for row in books.rows if row.state in UNSETTLED]
    ledger = _Ledger(books, kept=(DEAD, CANCELLED, *(UNSETTLED if may_be_unsettled else ())))
    duplicates = {name: _duplicates(entries) for name, entries in books.received.items()}
    excused = frozenset(may_be_dead)
    problems = {
        "lost": ledger.lost(),
        "torn": ledger.torn(),
        "invented": ledger.invented(),
        "unstable ids": ledger.unstable(),
        "out of order": [found for name in books.received for found in ledger.disordered(name)],
        "unsettled": [] if may_be_unsettled else [_named(row) for row in unsettled],
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
        acknowledged=len(ledger.acked),
        delivered=states[DELIVERED],
        dead=states[DEAD],
        duplicates=sum(duplicates.values()),
        unsettled=len(unsettled) if may_be_unsettled else 0,
        problems=problems,
    )


class _Ledger:
    """The books, arranged by update. A delivery in a *kept* state explains that nothing arrived."""

    def __init__(self, books: Books, kept: Container[int]) -> None:
        self._books = books
        self._by_body: dict[str, Key] = {}
        self._stories = self._told(books.sent)
        self.acked = [story for story in self._stories.values() if story.acked is not None]
        self._ended: set[tuple[str, Key]] = set()
        self._traces: set[tuple[str, Key]] = set()
        for row in books.rows:
            key = self._by_body.get(row.body_sha256)
            if key is not None:
                self._traces.add((row.target, key))
                if row.state in kept:
                    self._ended.add((row.target, key))
        self._taken = {
            name: [self._key(entry) for entry in _taken(entries)]
            for name, entries in books.received.items()
        }
        self._ended |= {(name, self._key(entry)) for name, entry in _purged(books)}
        self._traces |= self._ended
        self._traces |= {(name, key) for name, keys in self._taken.items() for key in keys}

    def _told(self, sent: Sequence[Entry]) -> dict[Key, Story]:
        """Tell each update's story; an update that was posted twice has one."""
        keys: dict[int, Key] = {}
        stories: dict[Key, Story] = {}
        for place, entry in enumerate(sent):
            number = entry["number"]
            if entry["what"] == "posted":
                key = keys[number] = (entry["update_id"], entry["raw_sha256"])
                self._by_body[entry["body_sha256"]] = key
                lane = None if entry["queue"].startswith("alone:") else entry["queue"]
                # Not sent so far: it can have come after nothing.
                stories.setdefault(key, Story(key, lane, len(sent)))
            story = stories[keys[number]]
            if entry["what"] == "sent":
                story.sent = min(story.sent, place)
            elif entry["what"] == "acked" and story.acked is None:
                story.acked = place
        return stories

    def _key(self, entry: Entry) -> Key:
        """Return which update arrived; what the gateway could not read is known by its bytes."""
        digest = entry["raw_sha256"]
        if entry["kind"] == "unparsed" and digest in self._by_body:
            return self._by_body[digest]
        return entry["update_id"], digest

    def lost(self) -> list[str]:
        """Find acknowledged updates that a target neither took nor has as ended otherwise."""
        return [
            f"{name}: update {story.key[0]}"
            for name, keys in self._taken.items()
            for taken in (set(keys),)
            for story in self.acked
            if story.key not in taken and (name, story.key) not in self._ended
        ]

    def torn(self) -> list[str]:
        """Find updates that were never acknowledged and reached some targets, but not all."""
        found = []
        for story in self._stories.values():
            known = [name for name in self._taken if (name, story.key) in self._traces]
            if story.acked is None and 0 < len(known) < len(self._taken):
                found.append(f"update {story.key[0]} at {known} only")
        return found

    def invented(self) -> list[str]:
        """Find what arrived or is stored and was never sent, was changed, or is not signed."""
        arrived = [
            f"{name}: update {entry['update_id']}"
            for name, entries in self._books.received.items()
            for entry in entries
            if self._key(entry) not in self._stories or not entry["signed"]
        ]
        rows = (row for row in self._books.rows if row.body_sha256 not in self._by_body)
        return arrived + [f"{_named(row)} in the store" for row in rows]

    def unstable(self) -> list[str]:
        """Find one update under two ids, or two updates under one."""
        ids: dict[Key, set[str]] = defaultdict(set)
        contents: dict[str, set[Key]] = defaultdict(set)
        pairs = [
            (self._key(entry), entry["id"])
            for entries in self._books.received.values()
            for entry in entries
        ]
        pairs += [
            (self._by_body[row.body_sha256], row.event_id)
            for row in self._books.rows
            if row.body_sha256 in self._by_body
        ]
        for key, name in pairs:
            ids[key].add(name)
            contents[name].add(key)
        twice = [f"update {key[0]} as {sorted(n)}" for key, n in ids.items() if len(n) > 1]
        return twice + [f"{n} for {len(c)} updates" for n, c in contents.items() if len(c) > 1]

    def disordered(self, target: str) -> list[str]:
        """Find updates first taken before one of their lane that came earlier and is not ended.

        Came earlier: acknowledged before the later one was first sent. Of two that were in the
        air together nobody can say which came first.
        """
        first: dict[Key, int] = {}
        for place, entry in enumerate(_taken(self._books.received[target])):
            if entry["replay_of"] is None:
                first.setdefault(self._key(entry), place)
        lanes: dict[str, list[Story]] = defaultdict(list)
        for story in self.acked:
            if story.lane and story.key in first and (target, story.key) not in self._ended:
                lanes[story.lane].append(story)
        return [
            f"{target}: {lane}: {later.key[0]} before {earlier.key[0]}"
            for lane, stories in lanes.items()
            for later, earlier in _overtaken(stories, first)
        ]


def _overtaken(stories: list[Story], first: Mapping[Key, int]) -> list[tuple[Story, Story]]:
    """Pair each update that was taken too early with the last taken of those before it."""
    by_ack = sorted(stories, key=lambda story: story.acked or 0)
    found = []
    last: Story | None = None
    done = 0
    for later in sorted(stories, key=lambda story: story.sent):
        while done < len(by_ack) and (by_ack[done].acked or 0) < later.sent:
            candidate = by_ack[done]
            last = candidate if last is None else max(last, candidate, key=lambda s: first[s.key])
            done += 1
        if last is not None and first[later.key] < first[last.key]:
            found.append((later, last))
    return found


def _named(row: Row) -> str:
    return f"{row.target}: update {row.update_id} ({row.reason or 'no reason'})"


def _taken(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if 200 <= entry["status"] < 300]


def _purged(books: Books) -> list[tuple[str, Entry]]:
    """List what targets refused for good, where dead letters were purged and left no row."""
    return [
        (name, entry)
        for name, entries in books.received.items()
        if books.counters.get((name, "purged"), 0)
        for entry in entries
        if entry["status"] == REFUSED
    ]


def _duplicates(entries: Sequence[Entry]) -> int:
    """Count how often a target took the same update again under the same id."""
    times = Counter(
        (entry["id"], entry["raw_sha256"])
        for entry in _taken(entries)
        if entry["replay_of"] is None
    )
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
        purged = books.counters.get((name, "purged"), 0)
        expected = {word: rows[state] for word, state in ended.items()}
        expected["dead"] += purged
        expected["created"] = rows.total() + purged
        found += [
            f"{name}: {word} is {books.counters.get((name, word), 0)}, rows say {count}"
            for word, count in expected.items()
            if books.counters.get((name, word), 0) != count
        ]
    return found
