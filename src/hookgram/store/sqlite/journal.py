"""Reads for people (see ``ports.Journal``): short statements that never walk a big table."""

from __future__ import annotations

import msgspec

from hookgram.core.model import AttemptRow, DeliveryRow, Event, RefusedChat, State
from hookgram.errors import NotFound
from hookgram.store.sqlite.rows import (
    attempt_row_of,
    delivery_row_of,
    event_of,
    refused_chat_of,
)
from hookgram.store.sqlite.transaction import View

LONGEST_PAGE = 500
NEWEST = 2**63 - 1


def counts(view: View) -> dict[tuple[str, str], int]:
    """Sum the kept counters by target name and counter name."""
    return {(target, name): value for target, name, value in view.rows("counts")}


def deliveries(
    view: View, state: State | None, target: str | None, before: int | None, limit: int
) -> list[DeliveryRow]:
    """List deliveries newest first."""
    page = {
        "before": NEWEST if before is None else before,
        "limit": min(max(limit, 0), LONGEST_PAGE),
    }
    if state is None and target is None:
        return [delivery_row_of(row) for row in view.rows("all_deliveries", page)]
    states = list(State) if state is None else [state]
    chosen = page | {"states": msgspec.json.encode(states).decode(), "target": target}
    return [delivery_row_of(row) for row in view.rows("chosen_deliveries", chosen)]


def delivery(view: View, delivery_id: int) -> DeliveryRow:
    """Show one delivery."""
    row = view.row("delivery", {"id": delivery_id})
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return delivery_row_of(row)


def attempts(view: View, delivery_id: int) -> list[AttemptRow]:
    """List what is kept of a delivery's attempts."""
    return [attempt_row_of(row) for row in view.rows("attempts", {"id": delivery_id})]


def event(view: View, event_id: str) -> Event:
    """Show one event."""
    row = view.row("event", {"event_id": event_id})
    if row is None:
        raise NotFound(f"there is no event {event_id}")
    return event_of(row)


def refused_chats(view: View, limit: int) -> list[RefusedChat]:
    """List refused chats, latest first."""
    rows = view.rows("refused_chats", {"limit": min(max(limit, 0), LONGEST_PAGE)})
    return [refused_chat_of(row) for row in rows]
