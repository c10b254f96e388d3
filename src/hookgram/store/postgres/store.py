"""The store as the ports see it: each method hands one call to a writer or the reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

import asyncpg

from hookgram.core.model import (
    Acceptance,
    Arrival,
    Attempt,
    AttemptRow,
    Claim,
    Claimed,
    Definition,
    DeliveryRow,
    Event,
    Forgotten,
    Micros,
    Recorded,
    RefusedChat,
    State,
    Target,
    Want,
)
from hookgram.core.outcome import Settlement
from hookgram.ports import Clock
from hookgram.store.postgres import inbox, journal, queue, target_book, upkeep
from hookgram.store.postgres.connection import Link, examine
from hookgram.store.postgres.reader import Reader
from hookgram.store.postgres.schema import migrate
from hookgram.store.postgres.troubles import translated
from hookgram.store.postgres.watch import Watch
from hookgram.store.postgres.writer import Writer

DEADLINE = 8.0
"""Seconds that a call waits at most, for a server that is away too."""


async def open_postgres(
    url: str, *, clock: Clock | None = None, shard: str = "main", deadline: float = DEADLINE
) -> PostgresStore:
    """Open the store in the database at *url* and bring its schema up to date.

    *shard* names this replica among those that count. Without a *clock* (tests give one) the
    server's is used. No call waits longer than *deadline* seconds. Raises SettingsError for a
    database that cannot keep the promise, SchemaMismatch, StoreUnavailable when nobody answers.
    """
    await examine(url)
    links = [Link(url, patience=deadline) for _ in range(3)]
    async with AsyncExitStack() as stack:
        for link in links:
            stack.push_async_callback(link.close)
        try:
            await migrate(await links[0].open())
        except asyncpg.PostgresError as error:
            raise translated(error) from error
        stack.pop_all()
    taking, working = (Writer(link, clock, shard, deadline) for link in links[:2])
    return PostgresStore(taking, working, Reader(links[2], deadline), links)


class PostgresStore:
    """A ``ports.Store`` in one database. One connection takes updates, one works, one reads."""

    def __init__(
        self, taking: Writer, working: Writer, reader: Reader, links: Sequence[Link]
    ) -> None:
        self._taking = taking
        self._working = working
        self._reader = reader
        self._place = upkeep.Place()
        self._watch = Watch(reader, lambda: (taking.pages + working.pages, self._made))
        self._made = 0
        self.clock: Clock = working.clock
        """The server's clock, as near as the last call can tell; a test's where it gave one."""
        for link in links:
            link.reconnected = self._watch.tell
        taking.start()
        working.start()

    # Inbox

    async def accept(self, arrivals: Sequence[Arrival]) -> list[Acceptance]:
        """Keep each event with its deliveries, in this order, all or nothing."""
        accepted = await self._taking.call(inbox.ACCEPT, arrivals)
        for arrival, acceptance in zip(arrivals, accepted, strict=True):
            self._made += 0 if acceptance.duplicate else len(arrival.owed)
        return accepted

    async def refuse(self, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
        """Count a refused update and remember its chat."""
        await self._taking.call(inbox.REFUSE, (bot_id, chat_id, chat_kind))

    # Queue

    async def claim(self, wants: Sequence[Want]) -> Claimed:
        """Take due deliveries; what a cancelled caller leaves is released."""
        return await self._working.call(queue.CLAIM, wants, undo=queue.give_back)

    async def claim_lapsed(self, *, limit: int, lease: Micros) -> list[Claim]:
        """Take over lapsed claims; what a cancelled caller leaves lapses again at once."""
        portion = (limit, lease)
        return await self._working.call(queue.CLAIM_LAPSED, portion, undo=queue.let_lapse)

    async def lapse_all(self) -> int:
        """End every lease now, those of other replicas too."""
        return await self._working.call(queue.LAPSE_ALL, None)

    async def extend(self, claim: Claim, lease: Micros) -> bool:
        """Make the claim last *lease* from now."""
        return await self._working.call(queue.EXTEND, (claim, lease))

    async def settle(
        self, claim: Claim, settlement: Settlement, attempt: Attempt | None
    ) -> Recorded:
        """Record the end of a try, if the token is current."""
        return await self._working.call(queue.SETTLE, queue.Ending(claim, settlement, attempt))

    async def due(self) -> dict[int, Micros]:
        """Tell when each target that has pending work has it next."""
        return await self._reader.read(queue.due)

    # Journal

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
        page = partial(journal.deliveries, state=state, target=target, before=before, limit=limit)
        return await self._reader.read(page)

    async def delivery(self, delivery_id: int) -> DeliveryRow:
        """Show one delivery."""
        return await self._reader.read(partial(journal.delivery, delivery_id=delivery_id))

    async def attempts(self, delivery_id: int) -> list[AttemptRow]:
        """List what is kept of a delivery's attempts."""
        return await self._reader.read(partial(journal.attempts, delivery_id=delivery_id))

    async def event(self, event_id: str) -> Event:
        """Show one event with its bytes."""
        return await self._reader.read(partial(journal.event, event_id=event_id))

    async def refused_chats(self, *, limit: int = 100) -> list[RefusedChat]:
        """List refused chats, latest first."""
        return await self._reader.read(partial(journal.refused_chats, limit=limit))

    # Target book

    async def register(self, definitions: Sequence[Definition]) -> list[Target]:
        """Make the configured targets known; also finishes removals that were cut short."""
        targets = await self._working.call(target_book.REGISTER, tuple(definitions))
        await self._working.call(target_book.FINISH_REMOVALS, None)
        return targets

    async def pause(self, name: str) -> None:
        """Let the target's work wait."""
        pause = target_book.Pause(name, paused=True)
        await self._working.call(target_book.SET_PAUSED, pause)

    async def resume(self, name: str) -> None:
        """Let the target's work go on."""
        pause = target_book.Pause(name, paused=False)
        await self._working.call(target_book.SET_PAUSED, pause)

    async def remove(self, name: str) -> int:
        """Forget the target and cancel its work; goes on if the caller is cancelled.

        After StoreUnavailable in the middle, a repeated call or the next ``register`` finishes it.
        """
        return await self._working.call(target_book.REMOVE, name)

    async def replay(self, delivery_ids: Sequence[int]) -> list[int]:
        """Owe each named delivery's event to its target once more."""
        if len(delivery_ids) > target_book.STEP:
            raise ValueError(f"at most {target_book.STEP} deliveries are replayed at a time")
        made = await self._working.call(target_book.REPLAY, tuple(delivery_ids))
        self._made += len(made)
        return made

    # Upkeep

    async def forget(
        self, *, retention: Micros, dead_retention: Micros, dedup: Micros
    ) -> Forgotten:
        """Remove at most 500 rows of what is old enough."""
        step = upkeep.Step(
            place=self._place, retention=retention, dead_retention=dead_retention, dedup=dedup
        )
        # Moved on only when the step is committed.
        forgotten, self._place = await self._working.call(upkeep.FORGET, step)
        return forgotten

    async def probe(self) -> None:
        """Commit something small."""
        await self._working.call(upkeep.PROBE, None)

    async def checkpoint(self) -> None:
        """Do nothing: the server looks after its log itself."""

    # The store itself

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called on the loop within a second of another replica's commit."""
        self._watch.on_change(changed)

    async def close(self) -> None:
        """Finish what is under way and close."""
        await self._watch.close()
        await self._taking.close()
        await self._working.close()
        await self._reader.close()
