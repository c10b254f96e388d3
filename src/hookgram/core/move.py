"""What a move carries from one store to another, and whether it arrived.

A row on its way is a tuple of the columns below, in their order: texts, bytes and integers as they
are kept, truths as 0 and 1, an unsettled delivery with its token and lease. Both stores know this
form, so that they need not know each other.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from hookgram.core.model import Micros, State

Value: TypeAlias = int | str | bytes | None
Row: TypeAlias = tuple[Value, ...]


class Table(enum.StrEnum):
    """What is carried, in the order in which it goes: what is named comes before who names it."""

    BOT = "bot"
    TARGET = "target"
    EVENT = "event"
    DELIVERY = "delivery"
    ATTEMPT = "attempt"
    SEEN = "seen"
    REFUSED_CHAT = "refused_chat"
    AUTHORISED_CHAT = "authorised_chat"
    MOVED_CHAT = "moved_chat"
    POLLING = "polling"
    WEBHOOK = "webhook"
    COUNTER = "counter"


COLUMNS = {
    Table.BOT: ("bot_id", "name"),
    Table.TARGET: (
        *("id", "name", "origin", "definition", "paused", "key_id", "secrets"),
        *("created_at", "removed_at", "orphaned_at", "drained"),
    ),
    Table.EVENT: (
        *("seq", "event_id", "bot_id", "update_id", "kind", "chat_id", "user_id", "lane"),
        *("received_at", "expires_at", "targets", "body"),
    ),
    Table.DELIVERY: (
        *("id", "event_seq", "target_id", "state", "priority", "lane", "due_at", "attempts"),
        *("failures", "token", "leased_until", "reason", "replay_of", "status", "took"),
        *("created_at", "ended_at"),
    ),
    Table.ATTEMPT: (
        *("delivery_id", "number", "started_at", "took", "status", "error", "excerpt", "members"),
    ),
    Table.SEEN: ("bot_id", "update_id", "digest", "at"),
    Table.REFUSED_CHAT: ("bot_id", "chat_id", "chat_kind", "count", "last_seen"),
    Table.AUTHORISED_CHAT: ("chat_id", "since"),
    Table.MOVED_CHAT: ("chat_id", "former", "since"),
    Table.POLLING: ("bot_id", "next_id"),
    Table.WEBHOOK: ("bot_id", "secret", "mark"),
    Table.COUNTER: ("target_id", "shard", "name", "value"),
}
"""The columns of each; all that a store keeps of it."""

CARRIED = (State.WAITING, State.PENDING, State.LEASED, State.DEAD)
"""The deliveries that are carried; with them go their events and attempts, and nobody else's."""
NUMBERED = (Table.TARGET, Table.EVENT, Table.DELIVERY)
"""What has numbers that are never given twice, so that the last one given goes along."""
MOST_ROWS = 500
"""The most rows that are carried in one transaction."""
MOST_BYTES = 1024 * 1024
"""The most bytes of bodies that are carried in one transaction: a slow line must take them in less
than the server lets a transaction wait. One body always goes."""


class Parcel(Struct, frozen=True, kw_only=True):
    """Rows that are carried in one transaction, and the *place* behind which reading goes on."""

    table: Table
    rows: tuple[Row, ...]
    place: bytes


class Mark(Struct, frozen=True, kw_only=True):
    """What a store remembers of a move: which one, where to or how far, when.

    *ended_at* is None until all is carried and counted.
    """

    move_id: str
    began_at: Micros
    ended_at: Micros | None = None
    destination: str | None = None
    """Where the source went, without user and password; only the source remembers it."""
    place: bytes | None = None
    """How far the destination has come; only the destination remembers it."""


class Inventory(Struct, frozen=True, kw_only=True):
    """What of a move is in a store."""

    rows: dict[Table, int]
    body_bytes: int
    targets: dict[int, str]
    """The names of targets, those of removed ones too."""
    deliveries: dict[tuple[int, State], int]
    """How many of each (target, state)."""
    counters: dict[tuple[int, str], int]
    """The kept counters, summed, by (target, name); target 0 is none."""

    @property
    def total(self) -> int:
        """How many rows in all."""
        return sum(self.rows.values())


class Line(Struct, frozen=True, kw_only=True):
    """One thing that was counted at both ends. *target*: of which one, if of one.

    *counter*: it is what a kept counter says, not how many rows there are.
    """

    what: str
    target: str | None = None
    source: int
    destination: int
    counter: bool = False

    @property
    def equal(self) -> bool:
        """Whether both ends have as many."""
        return self.source == self.destination


def compared(source: Inventory, destination: Inventory) -> list[Line]:
    """Compare what is carried, thing by thing: tables, deliveries by target and state, counters."""
    return [
        *_tables(source, destination),
        *_deliveries(source, destination),
        *_counters(source, destination),
    ]


def _tables(source: Inventory, destination: Inventory) -> Iterator[Line]:
    for table in Table:
        here, there = source.rows.get(table, 0), destination.rows.get(table, 0)
        yield Line(what=WORDS[table], source=here, destination=there)
        if table is Table.EVENT:
            yield Line(
                what="bytes of updates",
                source=source.body_bytes,
                destination=destination.body_bytes,
            )


def _deliveries(source: Inventory, destination: Inventory) -> Iterator[Line]:
    for target_id, state in sorted({*source.deliveries, *destination.deliveries}):
        yield Line(
            what=state.name.lower(),
            target=_name(target_id, source, destination),
            source=source.deliveries.get((target_id, state), 0),
            destination=destination.deliveries.get((target_id, state), 0),
        )


def _counters(source: Inventory, destination: Inventory) -> Iterator[Line]:
    for target_id, counter in sorted({*source.counters, *destination.counters}):
        yield Line(
            what=f"counted as {counter}",
            counter=True,
            target=_name(target_id, source, destination) if target_id else None,
            source=source.counters.get((target_id, counter), 0),
            destination=destination.counters.get((target_id, counter), 0),
        )


def _name(target_id: int, *ends: Inventory) -> str:
    for end in ends:
        if target_id in end.targets:
            return end.targets[target_id]
    return f"number {target_id}"


WORDS = {
    Table.BOT: "bots",
    Table.TARGET: "targets",
    Table.EVENT: "events",
    Table.DELIVERY: "deliveries",
    Table.ATTEMPT: "attempts",
    Table.SEEN: "keys of duplicates",
    Table.REFUSED_CHAT: "refused chats",
    Table.AUTHORISED_CHAT: "authorised chats",
    Table.MOVED_CHAT: "moved chats",
    Table.POLLING: "polling offsets",
    Table.WEBHOOK: "webhooks",
    Table.COUNTER: "counters",
}
"""What people call them."""
