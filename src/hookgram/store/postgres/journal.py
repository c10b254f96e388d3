"""Reads for people (see ``ports.Journal``): short statements that never walk a big table."""

from __future__ import annotations

from hookgram.core.model import AttemptRow, DeliveryRow, Event, RefusedChat
from hookgram.errors import NotFound
from hookgram.store.postgres.listing import LONGEST_PAGE
from hookgram.store.postgres.rows import (
    attempt_row_of,
    delivery_row_of,
    event_of,
    read,
    refused_chat_of,
    written,
)
from hookgram.store.postgres.transaction import View

LARGEST = 2**63 - 1


async def counts(view: View) -> dict[tuple[str, str], int]:
    """Sum the kept counters by target name and counter name."""
    return {(read(row[0]) or "", row[1]): row[2] for row in await view.rows("counts")}


async def delivery(view: View, delivery_id: int) -> DeliveryRow:
    """Show one delivery."""
    row = await view.row("delivery", id=delivery_id) if _storable(delivery_id) else None
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return delivery_row_of(row)


async def attempts(view: View, delivery_id: int) -> list[AttemptRow]:
    """List what is kept of a delivery's attempts."""
    rows = await view.rows("attempts", id=delivery_id) if _storable(delivery_id) else []
    return [attempt_row_of(row) for row in rows]


async def event(view: View, event: str | int) -> Event:
    """Show one event, by its id or its number."""
    if isinstance(event, str):
        row = await view.row("event", event=written(event))
    else:
        row = await view.row("numbered_event", seq=event) if _storable(event) else None
    if row is None:
        raise NotFound(f"there is no event {event}")
    return event_of(row)


async def refused_chats(view: View, limit: int) -> list[RefusedChat]:
    """List refused chats, latest first."""
    rows = await view.rows("refused_chats", limit=min(max(limit, 0), LONGEST_PAGE))
    return [refused_chat_of(row) for row in rows]


def _storable(number: int) -> bool:
    return -LARGEST <= number <= LARGEST
