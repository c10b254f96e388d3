"""Columns ↔ values. The order of columns is that of the statements in ``queries.sql``."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from hookgram.core.definition import Origin
from hookgram.core.listing import EventRow, TargetRow
from hookgram.core.model import (
    Arrival,
    Attempt,
    AttemptRow,
    Claim,
    DeliveryRow,
    Event,
    Micros,
    Owed,
    RefusedChat,
    State,
)
from hookgram.store.sqlite.transaction import Row

COUNTED = ("created", "delivered", "dead", "cancelled", "purged")
"""What is counted for each target."""
NUMBER, TOOK, STATUS = 1, 3, 4
"""The places of these in an attempt's columns."""
KIND = 3
"""The place of its kind in an event's columns."""
NO_UPDATE_ID = -1
"""Stands for a missing update id in the key of duplicates."""


Coming: TypeAlias = tuple[Row, Row, tuple[Row, ...]]
"""An arrival: its event's columns, the key by which it is known again, and what is owed of it.

What is asked of the writer most often crosses to it as rows, in a tenth of the time of structs.
"""


def coming(arrival: Arrival) -> Coming:
    """Write an arrival as rows; of each debt target, priority, lane, delay and reason of death."""
    owed = tuple([owed_values(one) for one in arrival.owed])
    return event_values(arrival.event, len(owed)), key_values(arrival), owed


def owed_values(owed: Owed) -> Row:
    """Write what is owed as a row."""
    return owed.target_id, int(owed.priority), owed.lane, owed.delay, owed.dead


def event_values(event: Event, targets: int) -> Row:
    """Columns of a new event that makes deliveries to *targets* targets."""
    return (
        event.event_id,
        event.bot_id,
        event.update_id,
        event.kind,
        event.chat_id,
        event.user_id,
        event.lane,
        event.received_at,
        event.expires_at,
        targets,
        event.body,
    )


def key_values(arrival: Arrival) -> Row:
    """Columns of the key by which a repeated update is recognised."""
    event = arrival.event
    number = NO_UPDATE_ID if event.update_id is None else event.update_id
    return event.bot_id, number, arrival.digest


def event_of(row: Row) -> Event:
    """Build the event from its eleven columns."""
    return Event(
        event_id=row[0],
        bot_id=row[1],
        update_id=row[2],
        kind=row[3],
        chat_id=row[4],
        user_id=row[5],
        lane=row[6],
        received_at=row[7],
        expires_at=row[8],
        body=row[9],
        seq=row[10],
    )


def claim_of(row: Row, *, tries: int, token: int, now: Micros, lease: Micros) -> Claim:
    """Build the claim from six columns of the delivery, before the lease, and its event's eleven.

    *tries* is how many the lease counts: one, or none when it takes over another's.
    """
    return Claim(
        delivery_id=row[0],
        target_id=row[1],
        token=token,
        attempt=row[2] + tries,
        failures=row[3],
        created_at=row[4],
        claimed_at=now,
        leased_until=now + lease,
        replay_of=row[5],
        event=event_of(row[6:]),
    )


def attempt_values(delivery_id: int, attempt: Attempt) -> Row:
    """Columns of an attempt."""
    return (
        delivery_id,
        attempt.number,
        attempt.started_at,
        attempt.took,
        attempt.status,
        attempt.error,
        attempt.excerpt,
        attempt.members,
    )


def delivery_row_of(row: Row) -> DeliveryRow:
    """Build what people look at from its seventeen columns."""
    return DeliveryRow(
        delivery_id=row[0],
        event_id=row[1],
        event_seq=row[2],
        update_id=row[3],
        kind=row[4],
        target=row[5],
        state=State(row[6]),
        attempts=row[7],
        failures=row[8],
        due_at=row[9],
        created_at=row[10],
        ended_at=row[11],
        status=row[12],
        took=row[13],
        reason=row[14],
        replay_of=row[15],
        replayed_as=row[16],
    )


def attempt_row_of(row: Row) -> AttemptRow:
    """Build an attempt as people look at it from its eight columns."""
    names = AttemptRow.__struct_fields__
    return AttemptRow(**dict(zip(names, row, strict=True)))


def refused_chat_of(row: Row) -> RefusedChat:
    """Build a refused chat from its five columns."""
    names = RefusedChat.__struct_fields__
    return RefusedChat(**dict(zip(names, row, strict=True)))


def event_row_of(row: Row, deliveries: dict[State, int]) -> EventRow:
    """Build an event as people look at it from its eight columns and its deliveries by state."""
    return EventRow(
        seq=row[0],
        event_id=row[1],
        bot_id=row[2],
        update_id=row[3],
        kind=row[4],
        chat_id=row[5],
        user_id=row[6],
        received_at=row[7],
        deliveries=deliveries,
    )


def target_row_of(row: Row, counts: dict[str, int], oldest_due: Micros | None) -> TargetRow:
    """Build a target as people look at it from its seven columns, after its id, and its counts."""
    return TargetRow(
        name=row[1],
        origin=Origin(row[2]),
        paused=bool(row[3]),
        orphaned_at=row[4],
        hosts=tuple(msgspec.json.decode(row[5]).get("hosts", ())),
        created_at=row[6],
        **{name: counts.get(name, 0) for name in COUNTED},
        oldest_due=oldest_due,
    )
