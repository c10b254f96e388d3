"""The store as the ports see it: each method hands one call to a writer or the reader."""

from __future__ import annotations

from asyncio import Future, ensure_future
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hookgram.core.access import Chats
from hookgram.core.definition import Definition, Target
from hookgram.core.model import (
    Acceptance,
    Arrival,
    Attempt,
    Claim,
    Claimed,
    Duty,
    Forgotten,
    Micros,
    Offset,
    Recorded,
    Want,
)
from hookgram.core.outcome import Settlement
from hookgram.ports import Clock
from hookgram.store.postgres import (
    chats,
    duties,
    inbox,
    purge,
    queue,
    target_book,
    upkeep,
    webhook_book,
)
from hookgram.store.postgres.call import Call
from hookgram.store.postgres.connection import Link
from hookgram.store.postgres.cursors import Cursors
from hookgram.store.postgres.hints import NOTIFY, Caller, Listener, Wake
from hookgram.store.postgres.journal_reader import PostgresJournal
from hookgram.store.postgres.reader import Reader
from hookgram.store.postgres.watch import Watch
from hookgram.store.postgres.writer import Writer


class PostgresStore(PostgresJournal):
    """A ``ports.Store`` in one database. One connection takes updates, one works, one reads."""

    def __init__(
        self, taking: Writer, working: Writer, reader: Reader, links: Sequence[Link], direct: str
    ) -> None:
        super().__init__(reader)
        self._taking = taking
        self._working = working
        self._place = upkeep.Place()
        self._watch = Watch(reader, lambda: (taking.pages + working.pages, self._made))
        self._made = 0
        self._direct = direct
        self._caller = Caller(partial(taking.call, NOTIFY))
        self._listener: Listener | None = None
        self.clock: Clock = working.clock
        """The server's clock, as near as the last call can tell; a test's where it gave one."""
        self._cursors = Cursors(working.clock)
        for link in links:
            link.reconnected = self._watch.tell
        taking.start()
        working.start()

    # Inbox

    def accept(
        self, arrivals: Sequence[Arrival], *, offset: Offset | None = None
    ) -> Future[list[Acceptance]]:
        """Keep each event with its deliveries, in this order, all or nothing."""
        return ensure_future(self._accept(arrivals, offset))

    async def _accept(self, arrivals: Sequence[Arrival], offset: Offset | None) -> list[Acceptance]:
        if offset is None:
            accepted = await self._taking.call(inbox.ACCEPT, arrivals)
        else:
            accepted = await self._taking.call(inbox.ACCEPT_POLLED, (arrivals, offset))
        pairs = zip(arrivals, accepted, strict=True)
        owed = [one for each, answer in pairs if answer is not None for one in each.owed]
        self._brought(len(owed), {one.target_id for one in owed})
        return accepted

    def _brought(self, made: int, targets: set[int] | None) -> None:
        """Tell those who deliver, unless we do so ourselves."""
        self._made += made
        if made and self._listener is None:
            self._caller.brought(targets)

    async def refuse(self, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
        """Count a refused update and remember its chat."""
        await self._taking.call(inbox.REFUSE, (bot_id, chat_id, chat_kind))

    async def offset(self, bot_id: int) -> int | None:
        """Tell the update id that polling asks for next."""
        return await self._reader.read(partial(inbox.next_id, bot_id=bot_id))

    # Duties

    async def take_duty(self, name: str, holder: str, lease: Micros) -> Duty | None:
        """Take the duty, if nobody has it; what a cancelled caller took is left."""
        taking = (name, holder, lease)
        return await self._working.call(duties.TAKE, taking, undo=duties.give_back)

    async def renew_duty(self, duty: Duty, lease: Micros) -> bool:
        """Hold the duty for *lease* from now, if it is still ours."""
        return await self._working.call(duties.RENEW, (duty, lease))

    async def leave_duty(self, duty: Duty) -> None:
        """Have the duty free at once, if it is still ours."""
        await self._working.call(duties.LEAVE, duty)

    async def lapse_duties(self) -> None:
        """End every duty now, those of other replicas too."""
        await self._working.call(duties.LAPSE, None)

    # Webhook book

    async def webhook_secret(self, bot_id: int, made: str) -> str:
        """Return the secret kept for the bot's webhook; if there is none, *made*, now kept."""
        return await self._working.call(webhook_book.SECRET, (bot_id, made))

    async def webhook_mark(self, bot_id: int) -> bytes | None:
        """Tell the mark of what was set last."""
        return await self._reader.read(partial(webhook_book.mark, bot_id=bot_id))

    async def mark_webhook(self, bot_id: int, mark: bytes) -> None:
        """Keep the mark of what was just set."""
        await self._working.call(webhook_book.KEEP_MARK, (bot_id, mark))

    # Queue

    async def claim(self, wants: Sequence[Want]) -> Claimed:
        """Take due deliveries; what a cancelled caller leaves is released."""
        claiming = queue.Claiming(wants, self._cursors)
        return await self._working.call(queue.CLAIM, claiming, undo=self._give_back)

    def _give_back(self, claimed: Claimed) -> list[Call[Any, Any]]:
        for claim in claimed.claims:
            self._cursors.forget(claim.target_id)
        return queue.give_back(claimed)

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
        ending = queue.Ending(claim, settlement, attempt)
        recorded = await self._working.call(queue.SETTLE, ending)
        if recorded.due is not None:
            self._cursors.back(claim.target_id, recorded.due)
        return recorded

    async def keep(self, delivery_id: int, attempt: Attempt) -> None:
        """Keep this of an attempt, in place of what is kept of it."""
        await self._working.call(queue.KEEP, (delivery_id, attempt))

    async def due(self) -> dict[int, Micros]:
        """Tell when each target that has pending work has it next."""
        return await self._reader.read(queue.due)

    # Target book

    async def register(self, definitions: Sequence[Definition]) -> list[Target]:
        """Make the configured targets known; also finishes removals that were cut short."""
        targets = await self._working.call(target_book.REGISTER, tuple(definitions))
        await self._working.call(target_book.FINISH_REMOVALS, None)
        return targets

    async def chats(self) -> Chats:
        """Read the chats admitted or followed at run time."""
        return await self._reader.read(chats.chats)

    async def authorise(self, chat_id: int) -> bool:
        """Admit a chat."""
        return await self._working.call(chats.AUTHORISE, chat_id)

    async def withdraw(self, chat_id: int) -> bool:
        """Take an authorisation back."""
        return await self._working.call(chats.WITHDRAW, chat_id)

    async def move_chat(self, chat_id: int, former: int) -> None:
        """Remember that a chat had another id."""
        await self._working.call(chats.MOVE, (chat_id, former))

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
        self._brought(len(made), None)
        return made

    async def purge(self, delivery_ids: Sequence[int]) -> int:
        """Remove those of the deliveries that are dead letters."""
        if len(delivery_ids) > purge.MOST:
            raise ValueError(f"at most {purge.MOST} dead letters are purged at a time")
        return await self._working.call(purge.PURGE, purge.Purging(tuple(delivery_ids), 0))

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

    def on_work(self, wake: Wake) -> None:
        """Have *wake* called on the loop with targets that another process brought work for."""
        self._listener = Listener(self._direct, wake)

    async def close(self) -> None:
        """Finish what is under way and close."""
        await self._watch.close()
        if self._listener is not None:
            await self._listener.close()
        await self._caller.close()
        await self._taking.close()
        await self._working.close()
        await super().close()
