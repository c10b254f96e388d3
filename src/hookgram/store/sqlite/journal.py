"""Reads for people (see ``ports.Journal``): short statements that never walk a big table."""

from __future__ import annotations

from hookgram.core.model import AttemptRow, DeliveryRow, Event, RefusedChat
from hookgram.errors import NotFound
from hookgram.store.sqlite.listing import LONGEST_PAGE
from hookgram.store.sqlite.rows import (
    attempt_row_of,
    delivery_row_of,
    event_of,
    refused_chat_of,
)
from hookgram.store.sqlite.transaction import View


def counts(view: View) -> dict[tuple[str, str], int]:
    """Sum the kept counters by target name and counter name."""
    return {(target, name): value for target, name, value in view.rows("counts")}


def delivery(view: View, delivery_id: int) -> DeliveryRow:
    """Show one delivery."""
    row = view.row("delivery", {"id": delivery_id})
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return delivery_row_of(row)


def attempts(view: View, delivery_id: int) -> list[AttemptRow]:
    """List what is kept of a delivery's attempts."""
    return [attempt_row_of(row) for row in view.rows("attempts", {"id": delivery_id})]


def event(view: View, event: str | int) -> Event:
    """Show one event, by its id or its number."""
    statement = "event" if isinstance(event, str) else "numbered_event"
    row = view.row(statement, {"event": event})
    if row is None:
        raise NotFound(f"there is no event {event}")
    return event_of(row)


def refused_chats(view: View, limit: int) -> list[RefusedChat]:
    """List refused chats, latest first."""
    rows = view.rows("refused_chats", {"limit": min(max(limit, 0), LONGEST_PAGE)})
    return [refused_chat_of(row) for row in rows]
