"""The store as the ports see it: each method hands one function to the writer or the reader."""

from __future__ import annotations

from asyncio import Future, ensure_future
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

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
from hookgram.core.outcome import Delivered, Settlement
from hookgram.store.sqlite import (
    chats,
    duties,
    inbox,
    purge,
    queue,
    target_book,
    upkeep,
    webhook_book,
)
from hookgram.store.sqlite.executor import at_rest
from hookgram.store.sqlite.journal_reader import SqliteJournal
from hookgram.store.sqlite.reader import Reader
from hookgram.store.sqlite.rows import attempt_values, coming
from hookgram.store.sqlite.writer import Writer


class SqliteStore(SqliteJournal):
    """A ``ports.Store`` in one file. Deadlines are the callers' own."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        super().__init__(reader)
        self._writer = writer
        self._place = upkeep.Place()

    # Inbox

    def accept(
        self, arrivals: Sequence[Arrival], *, offset: Offset | None = None
    ) -> Future[list[Acceptance]]:
        """Keep each event with its deliveries, in this order, all or nothing."""
        rows = [coming(arrival) for arrival in arrivals]
        if offset is None:
            return self._writer.share(inbox.accept, rows)
        polled = partial(inbox.accept_polled, arrivals=rows, offset=offset)
        return ensure_future(self._writer.call(polled))

    async def offset(self, bot_id: int) -> int | None:
        """Tell the update id that polling asks for next."""
        return await self._reader.read(partial(inbox.next_id, bot_id=bot_id))

    async def refuse(self, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
        """Count a refused update and remember its chat."""
        await self._writer.call(
            partial(inbox.refuse, bot_id=bot_id, chat_id=chat_id, chat_kind=chat_kind)
        )

    # Queue

    async def claim(self, wants: Sequence[Want]) -> Claimed:
        """Take due deliveries; what a cancelled caller leaves is released."""
        return await self._writer.call(
            partial(queue.claim, wants=tuple(wants)), undo=queue.give_back
        )

    async def claim_lapsed(self, *, limit: int, lease: Micros) -> list[Claim]:
        """Take over lapsed claims; what a cancelled caller leaves lapses again at once."""
        work = partial(queue.claim_lapsed, limit=limit, lease=lease)
        return await self._writer.call(work, undo=queue.let_lapse)

    async def lapse_all(self) -> int:
        """End every lease now."""
        return await self._writer.call(queue.lapse_all)

    async def extend(self, claim: Claim, lease: Micros) -> bool:
        """Make the claim last *lease* from now."""
        return await self._writer.call(
            partial(queue.extend, fence=queue.fence_of(claim), lease=lease)
        )

    def settle(
        self, claim: Claim, settlement: Settlement, attempt: Attempt | None
    ) -> Awaitable[Recorded]:
        """Record the end of a try, if the token is current."""
        seen = None if attempt is None else attempt_values(claim.delivery_id, attempt)
        if isinstance(settlement, Delivered):
            end = (claim.delivery_id, claim.token, seen)
            return self._writer.share(queue.deliver, end)
        return self._writer.call(
            partial(
                queue.settle,
                fence=queue.fence_of(claim),
                target_id=claim.target_id,
                settlement=settlement,
                attempt=seen,
            )
        )

    async def keep(self, delivery_id: int, attempt: Attempt) -> None:
        """Keep this of an attempt, in place of what is kept of it."""
        row = attempt_values(delivery_id, attempt)
        await self._writer.call(partial(queue.keep, delivery_id=delivery_id, attempt=row))

    async def due(self) -> dict[int, Micros]:
        """Tell when each target that has pending work has it next."""
        return await self._reader.read(queue.due)

    # Duties

    async def take_duty(self, name: str, holder: str, lease: Micros) -> Duty | None:
        """Take the duty, if nobody has it; what a cancelled caller took is left."""
        work = partial(duties.take, name=name, holder=holder, lease=lease)
        return await self._writer.call(work, undo=duties.give_back)

    async def renew_duty(self, duty: Duty, lease: Micros) -> bool:
        """Hold the duty for *lease* from now, if it is still ours."""
        return await self._writer.call(partial(duties.renew, duty=duty, lease=lease))

    async def leave_duty(self, duty: Duty) -> None:
        """Have the duty free at once, if it is still ours."""
        await self._writer.call(partial(duties.leave, duty=duty))

    async def lapse_duties(self) -> None:
        """End every duty now."""
        await self._writer.call(duties.lapse)

    # Webhook book

    async def webhook_secret(self, bot_id: int, made: str) -> str:
        """Return the secret kept for the bot's webhook; if there is none, *made*, now kept."""
        return await self._writer.call(partial(webhook_book.secret, bot_id=bot_id, made=made))

    async def webhook_mark(self, bot_id: int) -> bytes | None:
        """Tell the mark of what was set last."""
        return await self._reader.read(partial(webhook_book.mark, bot_id=bot_id))

    async def mark_webhook(self, bot_id: int, mark: bytes) -> None:
        """Keep the mark of what was just set."""
        await self._writer.call(partial(webhook_book.keep_mark, bot_id=bot_id, mark=mark))

    # Target book

    async def register(self, definitions: Sequence[Definition]) -> list[Target]:
        """Make the configured targets known; also finishes removals that were cut short."""
        targets = await self._writer.call(
            partial(target_book.register, definitions=tuple(definitions))
        )
        await self._writer.call(target_book.finish_removals)
        return targets

    async def pause(self, name: str) -> None:
        """Let the target's work wait."""
        await self._writer.call(partial(target_book.set_paused, name=name, paused=True))

    async def resume(self, name: str) -> None:
        """Let the target's work go on."""
        await self._writer.call(partial(target_book.set_paused, name=name, paused=False))

    async def remove(self, name: str) -> int:
        """Forget the target and cancel its work; goes on if the caller is cancelled.

        After StoreUnavailable in the middle, a repeated call or the next ``register`` finishes it.
        """
        return await self._writer.call(partial(target_book.remove, name=name))

    async def replay(self, delivery_ids: Sequence[int]) -> list[int]:
        """Owe each named delivery's event to its target once more."""
        return await self._writer.call(
            partial(target_book.replay, delivery_ids=tuple(delivery_ids))
        )

    async def purge(self, delivery_ids: Sequence[int]) -> int:
        """Remove those of the deliveries that are dead letters."""
        if len(delivery_ids) > purge.MOST:
            raise ValueError(f"at most {purge.MOST} dead letters are purged at a time")
        return await self._writer.call(
            partial(purge.purge, delivery_ids=tuple(delivery_ids), before=0)
        )

    # Chat book

    async def chats(self) -> Chats:
        """Read the chats admitted or followed at run time."""
        return await self._reader.read(chats.chats)

    async def authorise(self, chat_id: int) -> bool:
        """Admit a chat."""
        return await self._writer.call(partial(chats.authorise, chat_id=chat_id))

    async def withdraw(self, chat_id: int) -> bool:
        """Take an authorisation back."""
        return await self._writer.call(partial(chats.withdraw, chat_id=chat_id))

    async def move_chat(self, chat_id: int, former: int) -> None:
        """Remember that a chat had another id."""
        await self._writer.call(partial(chats.move, chat_id=chat_id, former=former))

    # Upkeep

    async def forget(
        self, *, retention: Micros, dead_retention: Micros, dedup: Micros
    ) -> Forgotten:
        """Remove at most 500 rows of what is old enough."""
        step = partial(
            upkeep.forget,
            place=self._place,
            retention=retention,
            dead_retention=dead_retention,
            dedup=dedup,
        )
        # Moved on only when the step is committed.
        forgotten, self._place = await self._writer.call(step)
        return forgotten

    async def probe(self) -> None:
        """Commit something small."""
        await self._writer.call(upkeep.probe)

    async def checkpoint(self) -> None:
        """Copy the log's pages into the file, if they are many."""
        await self._writer.between(at_rest)

    # The store itself

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called on the loop within a second of another process's commit."""
        self._writer.on_change(changed)

    def on_work(self, wake: Callable[[Iterable[int] | None], None]) -> None:
        """Do nothing: a file is no way to tell others, and its changes are noticed as such."""

    async def close(self) -> None:
        """Finish what is under way, checkpoint and close."""
        await super().close()
        await self._writer.close()
