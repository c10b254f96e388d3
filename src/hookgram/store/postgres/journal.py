"""Reads for people (see ``ports.Journal``): short statements that never walk a big table."""

from __future__ import annotations

from hookgram.core.model import AttemptRow, DeliveryRow, Event, RefusedChat, State
from hookgram.errors import NotFound
from hookgram.store.postgres.rows import (
    attempt_row_of,
    delivery_row_of,
    event_of,
    read,
    refused_chat_of,
    written,
)
from hookgram.store.postgres.transaction import View

LONGEST_PAGE = 500
NEWEST = 2**63 - 1
LARGEST = NEWEST
KEPT = (State.WAITING, State.PENDING, State.DELIVERED, State.DEAD, State.CANCELLED)
"""The states as rows hold them: what is leased is pending and has a lease."""


async def counts(view: View) -> dict[tuple[str, str], int]:
    """Sum the kept counters by target name and counter name."""
    return {(read(row[0]) or "", row[1]): row[2] for row in await view.rows("counts")}


async def deliveries(
    view: View, *, state: State | None, target: str | None, before: int | None, limit: int
) -> list[DeliveryRow]:
    """List deliveries newest first."""
    page = {
        "before": NEWEST if before is None else max(min(before, LARGEST), -LARGEST),
        "limit": min(max(limit, 0), LONGEST_PAGE),
    }
    name = written(target)
    if state is State.LEASED:
        rows = await view.rows("leased_deliveries", target=name, **page)
    elif state is None and target is None:
        rows = await view.rows("all_deliveries", **page)
    else:
        states = list(KEPT) if state is None else [state]
        chosen = {"states": states, "target": name, "leased_too": state is None}
        rows = await view.rows("chosen_deliveries", **chosen, **page)
    return [delivery_row_of(row) for row in rows]


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


async def event(view: View, event_id: str) -> Event:
    """Show one event."""
    row = await view.row("event", event_id=written(event_id))
    if row is None:
        raise NotFound(f"there is no event {event_id}")
    return event_of(row)


async def refused_chats(view: View, limit: int) -> list[RefusedChat]:
    """List refused chats, latest first."""
    rows = await view.rows("refused_chats", limit=min(max(limit, 0), LONGEST_PAGE))
    return [refused_chat_of(row) for row in rows]


def _storable(number: int) -> bool:
    return -LARGEST <= number <= LARGEST
