"""What people look at."""

from __future__ import annotations

from typing import Protocol

from hookgram.core.listing import DeliveryFilter, DeliveryPage, EventFilter, EventPage, TargetRow
from hookgram.core.model import AttemptRow, DeliveryRow, Event, RefusedChat, State


class Journal(Protocol):
    """Reads for people: pages, counts, single things. Never scans a big table."""

    async def counts(self) -> dict[tuple[str, str], int]:
        """Sum the kept counters by (target name, counter name); '' names no target.

        Their names and meanings are ``core.counters.MEANINGS``, no others. unsettled = created −
        delivered − dead − cancelled; dead letters kept = dead − purged.
        """
        ...

    async def deliveries(
        self,
        *,
        state: State | None = None,
        target: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[DeliveryRow]:
        """List deliveries newest first, those with an id below *before*; at most 500."""
        ...

    async def choose(
        self,
        wanted: DeliveryFilter,
        *,
        start: int | None = None,
        oldest_first: bool = False,
        limit: int = 500,
    ) -> DeliveryPage:
        """List the deliveries that are *wanted*, those of removed targets too, by their id.

        Newest first from below *start*, or oldest first from above it. At most 500 rows, and at
        most some thousand are looked at: a cut page's ``next`` goes on behind the last of those. An
        index leads to the event, else to target and states; times bound the walk, relying on a
        clock that does not go back by more than a minute.
        """
        ...

    async def delivery(self, delivery_id: int) -> DeliveryRow:
        """Show one delivery. Raises NotFound."""
        ...

    async def attempts(self, delivery_id: int) -> list[AttemptRow]:
        """List what is kept of a delivery's attempts, oldest first."""
        ...

    async def event(self, event: str | int) -> Event:
        """Show one event, by its id or its number (``seq``), with its bytes. Raises NotFound."""
        ...

    async def events(
        self, wanted: EventFilter, *, before: int | None = None, limit: int = 50
    ) -> EventPage:
        """List the events that are *wanted*, newest first, those with a number below *before*.

        Bounded like ``choose``: at most 500 rows, some thousand looked at.
        """
        ...

    async def targets(self) -> list[TargetRow]:
        """List the targets that are not removed, oldest first, with their kept counts."""
        ...

    async def refused_chats(self, *, limit: int = 100) -> list[RefusedChat]:
        """List refused chats, latest first."""
        ...
