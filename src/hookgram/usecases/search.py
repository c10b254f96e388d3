"""Finding events and deliveries: pages put together until enough is found or patience ends."""

from __future__ import annotations

from msgspec import Struct

from hookgram.core.listing import DeliveryFilter, DeliveryPage, EventFilter, EventPage, EventRow
from hookgram.core.model import AttemptRow, DeliveryRow, Event
from hookgram.ports import Journal

PATIENCE = 20
"""How many pages are looked through for one listing."""
MOST_SHOWN = 500
"""The most deliveries shown with an event."""


class ShownDelivery(Struct, frozen=True, kw_only=True):
    """A delivery with what is kept of its attempts, oldest first."""

    delivery: DeliveryRow
    attempts: tuple[AttemptRow, ...]


class ShownEvent(Struct, frozen=True, kw_only=True):
    """An event with its deliveries, oldest first; ``more`` tells that not all are here."""

    event: Event
    deliveries: tuple[ShownDelivery, ...]
    more: bool


async def find_events(
    journal: Journal, wanted: EventFilter, *, before: int | None = None, limit: int = 50
) -> EventPage:
    """Return up to *limit* events, newest first. ``next`` without so many: patience ended."""
    rows: list[EventRow] = []
    for _ in range(PATIENCE):
        page = await journal.events(wanted, before=before, limit=limit - len(rows))
        rows += page.rows
        before = page.next
        if before is None or len(rows) >= limit:
            break
    return EventPage(rows=tuple(rows), next=before)


async def find_deliveries(
    journal: Journal, wanted: DeliveryFilter, *, before: int | None = None, limit: int = 50
) -> DeliveryPage:
    """Return up to *limit* deliveries, newest first. ``next`` without so many: patience ended."""
    rows: list[DeliveryRow] = []
    for _ in range(PATIENCE):
        page = await journal.choose(wanted, start=before, limit=limit - len(rows))
        rows += page.rows
        before = page.next
        if before is None or len(rows) >= limit:
            break
    return DeliveryPage(rows=tuple(rows), next=before)


async def show_event(journal: Journal, named: str | int) -> ShownEvent:
    """Return an event, by its id or number, and what became of it. Raises NotFound."""
    event = await journal.event(named)
    wanted = DeliveryFilter(event_seq=event.seq)
    page = await journal.choose(wanted, oldest_first=True, limit=MOST_SHOWN)
    shown = [await _with_attempts(journal, row) for row in page.rows]
    return ShownEvent(event=event, deliveries=tuple(shown), more=page.next is not None)


async def show_delivery(journal: Journal, delivery_id: int) -> tuple[Event, ShownDelivery]:
    """Return a delivery with its attempts, and its event. Raises NotFound."""
    row = await journal.delivery(delivery_id)
    return await journal.event(row.event_id), await _with_attempts(journal, row)


async def _with_attempts(journal: Journal, row: DeliveryRow) -> ShownDelivery:
    return ShownDelivery(delivery=row, attempts=tuple(await journal.attempts(row.delivery_id)))
