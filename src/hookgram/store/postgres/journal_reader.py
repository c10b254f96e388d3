"""The journal as its port sees it: each method hands one function to the reader."""

from __future__ import annotations

from functools import partial

from hookgram.core.listing import DeliveryFilter, DeliveryPage, EventFilter, EventPage, TargetRow
from hookgram.core.model import AttemptRow, DeliveryRow, Event, RefusedChat, State
from hookgram.store.postgres import journal, listing
from hookgram.store.postgres.connection import Link, examine
from hookgram.store.postgres.hosts import Hosts
from hookgram.store.postgres.reader import Reader
from hookgram.store.postgres.schema import check_current
from hookgram.store.postgres.troubles import telling

DEADLINE = 8.0
"""Seconds that a call waits at most, for a server that is away too."""


async def open_postgres_journal(url: str, *, deadline: float = DEADLINE) -> PostgresJournal:
    """Open the store in the database at *url* for looking only; it must be there.

    Raises StoreMissing, SchemaMismatch, SettingsError, or StoreUnavailable when nobody answers.
    """
    hosts = Hosts(url)
    await examine(hosts)
    link = Link(hosts, patience=deadline)
    try:
        with telling():
            await check_current(await link.open())
    except BaseException:
        await link.close()
        raise
    return PostgresJournal(Reader(link, deadline))


class PostgresJournal:
    """A ``ports.Journal`` on one database."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def counts(self) -> dict[tuple[str, str], int]:
        """Sum the kept counters by (target name, counter name)."""
        return await self._reader.read(journal.counts)

    async def deliveries(
        self,
        *,
        state: State | None = None,
        target: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[DeliveryRow]:
        """List deliveries newest first, those of removed targets too."""
        states = None if state is None else (state,)
        wanted = DeliveryFilter(target=target, states=states)
        return list((await self.choose(wanted, start=before, limit=limit)).rows)

    async def choose(
        self,
        wanted: DeliveryFilter,
        *,
        start: int | None = None,
        oldest_first: bool = False,
        limit: int = 500,
    ) -> DeliveryPage:
        """List the deliveries that are wanted."""
        return await self._reader.read(
            partial(
                listing.choose, wanted=wanted, start=start, oldest_first=oldest_first, limit=limit
            )
        )

    async def delivery(self, delivery_id: int) -> DeliveryRow:
        """Show one delivery."""
        return await self._reader.read(partial(journal.delivery, delivery_id=delivery_id))

    async def attempts(self, delivery_id: int) -> list[AttemptRow]:
        """List what is kept of a delivery's attempts."""
        return await self._reader.read(partial(journal.attempts, delivery_id=delivery_id))

    async def event(self, event: str | int) -> Event:
        """Show one event with its bytes."""
        return await self._reader.read(partial(journal.event, event=event))

    async def events(
        self, wanted: EventFilter, *, before: int | None = None, limit: int = 50
    ) -> EventPage:
        """List the events that are wanted, newest first."""
        return await self._reader.read(
            partial(listing.events, wanted=wanted, before=before, limit=limit)
        )

    async def targets(self) -> list[TargetRow]:
        """List the targets that are not removed, with their counts."""
        return await self._reader.read(listing.targets)

    async def refused_chats(self, *, limit: int = 100) -> list[RefusedChat]:
        """List refused chats, latest first."""
        return await self._reader.read(partial(journal.refused_chats, limit=limit))

    async def close(self) -> None:
        """Finish what was asked and close the connection."""
        await self._reader.close()
