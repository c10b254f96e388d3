"""Columns ↔ values. The order of columns is that of the statements in ``queries.sql``.

PostgreSQL keeps no NUL in a text, and what comes from outside may hold one: it is written as the
substitute character and a 0, the substitute character itself as that and a 1.
"""

from __future__ import annotations

import msgspec

from hookgram.core.definition import Origin
from hookgram.core.listing import EventRow, TargetRow
from hookgram.core.model import (
    Attempt,
    AttemptRow,
    Claim,
    DeliveryRow,
    Event,
    Micros,
    RefusedChat,
    State,
)
from hookgram.store.postgres.transaction import Row

COUNTED = ("created", "delivered", "dead", "cancelled", "purged")
"""What is counted for each target."""
SUBSTITUTE = "\x1a"

EVENT = (
    *("event_ids", "bots", "updates", "kinds", "chats", "users", "lanes"),
    *("received", "expires", "owing", "bodies", "digests"),
)
OWED = ("owers", "owed", "priorities", "owed_lanes", "delays", "reasons")
"""The columns of ``accept``: what comes, and what it owes."""
ATTEMPT = ("ids", "numbers", "started", "took", "statuses", "errors", "excerpts", "members")
"""The columns of ``keep_attempts``."""


def written(text: str | None) -> str | None:
    """Return *text* as the database can keep it."""
    if text is None or (SUBSTITUTE not in text and "\x00" not in text):
        return text
    return text.replace(SUBSTITUTE, f"{SUBSTITUTE}1").replace("\x00", f"{SUBSTITUTE}0")


def read(text: str | None) -> str | None:
    """Return what ``written`` was given."""
    if text is None or SUBSTITUTE not in text:
        return text
    return text.replace(f"{SUBSTITUTE}0", "\x00").replace(f"{SUBSTITUTE}1", SUBSTITUTE)


def event_values(event: Event, targets: int) -> tuple[object, ...]:
    """Columns of a new event that makes deliveries to *targets* targets."""
    return (
        written(event.event_id),
        event.bot_id,
        event.update_id,
        written(event.kind),
        event.chat_id,
        event.user_id,
        written(event.lane),
        event.received_at,
        event.expires_at,
        targets,
        event.body,
    )


def event_of(row: Row, first: int = 0) -> Event:
    """Build the event from its eleven columns, from number *first* on."""
    return Event(
        event_id=read(row[first]) or "",
        bot_id=row[first + 1],
        update_id=row[first + 2],
        kind=read(row[first + 3]) or "",
        chat_id=row[first + 4],
        user_id=row[first + 5],
        lane=read(row[first + 6]),
        received_at=row[first + 7],
        expires_at=row[first + 8],
        body=row[first + 9],
        seq=row[first + 10],
    )


def claim_of(row: Row, now: Micros) -> Claim:
    """Build the claim from eight columns of the delivery and its lease, and its event's eleven."""
    return Claim(
        delivery_id=row[0],
        target_id=row[1],
        token=row[2],
        leased_until=row[3],
        attempt=row[4],
        failures=row[5],
        created_at=row[6],
        claimed_at=now,
        replay_of=row[7],
        event=event_of(row, 8),
    )


def attempt_values(delivery_id: int, attempt: Attempt) -> tuple[object, ...]:
    """Columns of an attempt."""
    return (
        delivery_id,
        attempt.number,
        attempt.started_at,
        attempt.took,
        attempt.status,
        written(attempt.error),
        written(attempt.excerpt),
        written(attempt.members),
    )


def delivery_row_of(row: Row) -> DeliveryRow:
    """Build what people look at from its seventeen columns."""
    return DeliveryRow(
        delivery_id=row[0],
        event_id=read(row[1]) or "",
        event_seq=row[2],
        update_id=row[3],
        kind=read(row[4]) or "",
        target=read(row[5]) or "",
        state=State(row[6]),
        attempts=row[7],
        failures=row[8],
        due_at=row[9],
        created_at=row[10],
        ended_at=row[11],
        status=row[12],
        took=row[13],
        reason=read(row[14]),
        replay_of=row[15],
        replayed_as=row[16],
    )


def attempt_row_of(row: Row) -> AttemptRow:
    """Build an attempt as people look at it from its eight columns."""
    return AttemptRow(
        delivery_id=row[0],
        number=row[1],
        started_at=row[2],
        took=row[3],
        status=row[4],
        error=read(row[5]),
        excerpt=read(row[6]),
        members=read(row[7]),
    )


def refused_chat_of(row: Row) -> RefusedChat:
    """Build a refused chat from its five columns."""
    return RefusedChat(
        bot_id=row[0],
        chat_id=row[1],
        chat_kind=read(row[2]),
        count=row[3],
        last_seen=row[4],
    )


def event_row_of(row: Row, deliveries: dict[State, int]) -> EventRow:
    """Build an event as people look at it from its eight columns and its deliveries by state."""
    return EventRow(
        seq=row[0],
        event_id=read(row[1]) or "",
        bot_id=row[2],
        update_id=row[3],
        kind=read(row[4]) or "",
        chat_id=row[5],
        user_id=row[6],
        received_at=row[7],
        deliveries=deliveries,
    )


def target_row_of(row: Row, counts: dict[str, int], oldest_due: Micros | None) -> TargetRow:
    """Build a target as people look at it from its seven columns, after its id, and its counts."""
    return TargetRow(
        name=read(row[1]) or "",
        origin=Origin(row[2]),
        paused=row[3],
        orphaned_at=row[4],
        hosts=tuple(msgspec.json.decode(row[5]).get("hosts", ())),
        created_at=row[6],
        **{name: counts.get(name, 0) for name in COUNTED},
        oldest_due=oldest_due,
    )
