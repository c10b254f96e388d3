"""Take what Telegram sends: read, admit, route, keep; in one transaction, before it is answered."""

from __future__ import annotations

import asyncio
import enum
import traceback
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hookgram.core.access import Access, Chats
from hookgram.core.definition import Bot, Target
from hookgram.core.facts import (
    ChatMoved,
    DeadOnArrival,
    DuplicateSeen,
    EventAccepted,
    TaskFailed,
    UpdateRefused,
)
from hookgram.core.filter import Search, no_expressions
from hookgram.core.identity import ENTROPY, event_id
from hookgram.core.model import Acceptance, Arrival, Event, Offset, Owed
from hookgram.core.reading import Reading, migration, read
from hookgram.core.routing import route, takers_of
from hookgram.ports import ChatBook, Clock, Inbox, Notice
from hookgram.usecases.arrivals import arrival
from hookgram.usecases.limits import Allowance, Limits

__all__ = ["Begun", "Intake", "Limits", "Taken"]

STRANGERS_REMEMBERED = 10_000
"""Refused chats that are told as met for the first time; the memory ends there."""


class Taken(enum.Enum):
    """What became of a body."""

    STORED = enum.auto()
    DUPLICATE = enum.auto()
    REFUSED = enum.auto()
    UNREADABLE = enum.auto()
    """No update, and no secret that would prove where it came from: nothing was kept."""


class _Coming(Struct, frozen=True, gc=False):
    """An arrival, and what it used up of its chat's rate."""

    arrival: Arrival
    allowance: Allowance


class Begun(Struct, frozen=True):
    """An update on its way to the store, for ``Intake.end`` when *kept* is done."""

    coming: _Coming
    kept: asyncio.Future[list[Acceptance]]

    def __repr__(self) -> str:
        """Show which event it is, not what is in it."""
        return f"Begun({self.coming.arrival.event.event_id})"


class Intake:
    """The way in for every source of updates.

    *wake* is called after a commit with the targets that have new work; *search* is the engine for
    the expressions of filters. In *book* it is remembered which named groups became supergroups.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        access: Access,
        limits: Limits,
        clock: Clock,
        entropy: Callable[[int], bytes],
        notice: Notice,
        wake: Callable[[Iterable[int]], None],
        search: Search = no_expressions,
        book: ChatBook | None = None,
    ) -> None:
        self._inbox = inbox
        self._access = access
        self._limits = limits
        self._clock = clock
        self._entropy = entropy
        self._notice = notice
        self._wake = wake
        self._search = search
        self._book = book
        self._chats = Chats()
        self._named: frozenset[int] = frozenset()
        self._targets: Sequence[Target] = ()
        self._takers: dict[int, tuple[Target, ...]] = {}
        self._strangers: set[tuple[int, int]] = set()

    def set_targets(self, targets: Sequence[Target]) -> None:
        """Route to these from now on."""
        self._targets = tuple(targets)
        self._takers.clear()
        filters = [t.definition.filter for t in targets if t.definition and t.definition.filter]
        self._named = frozenset().union(*(one.chats for one in filters if one.chats))

    def set_chats(self, chats: Chats) -> None:
        """Admit and follow these, beside what the rules say, from now on."""
        # A move is never taken back; one that was just remembered may not be in what was read.
        self._chats = replace(chats, former={**chats.former, **self._chats.former})

    def _takers_of(self, bot: Bot) -> tuple[Target, ...]:
        """Look at all targets once, not at every update: idle ones must cost nothing."""
        takers = self._takers.get(bot.bot_id)
        if takers is None:
            takers = self._takers[bot.bot_id] = takers_of(bot.bot_id, self._targets)
        return takers

    async def take(self, bot: Bot, body: bytes, *, trusted: bool) -> Taken:
        """Keep one body; returns when it is on stable storage.

        *trusted*: it came with the right secret; without one, a body that is no update is not kept.
        Raises StoreUnavailable or StoreBroken when it could not be kept.
        """
        begun = self.begin(bot, body, trusted=trusted)
        return await (self._finish(begun) if isinstance(begun, Begun) else begun)

    def begin(self, bot: Bot, body: bytes, *, trusted: bool) -> Begun | Coroutine[Any, Any, Taken]:
        """Do as ``take`` does, without a task where a body has only to be kept.

        Then ``end`` is to be called when that is done; else what is returned is to be awaited.
        """
        reading = self.read(body)
        # Who proves nothing moves nothing.
        moved = migration(reading) if reading is not None and trusted else None
        unreadable = reading is None and not trusted
        if unreadable or moved is not None or not self._admits(reading):
            return self._take_otherwise(bot, body, reading, moved)
        return self._keep(self._prepare(bot, body, reading))

    async def _take_otherwise(
        self, bot: Bot, body: bytes, reading: Reading | None, moved: tuple[int, int] | None
    ) -> Taken:
        if reading is None:
            return Taken.UNREADABLE
        if moved is not None:
            await self._follow(*moved)
        if not self._admits(reading):
            await self._refuse(bot, reading)
            return Taken.REFUSED
        return await self._finish(self._keep(self._prepare(bot, body, reading)))

    async def _finish(self, begun: Begun) -> Taken:
        try:
            await begun.kept
        except (Exception, asyncio.CancelledError):
            self.end(begun)  # raises what was raised, unless it was kept when the caller left
            raise
        return self.end(begun)

    def end(self, begun: Begun) -> Taken:
        """Tell what became of a body, once that is known; raises as ``take`` does."""
        try:
            [acceptance] = begun.kept.result()
        except BaseException:
            self._limits.give_back(begun.coming.allowance)
            raise
        return self._tell(begun.coming, acceptance)

    def _keep(self, coming: _Coming) -> Begun:
        try:
            return Begun(coming, self._inbox.accept((coming.arrival,)))
        except BaseException:
            self._limits.give_back(coming.allowance)
            raise

    async def take_batch(
        self, bot: Bot, updates: Sequence[tuple[bytes, Reading | None]], offset: Offset | None
    ) -> list[Taken]:
        """Keep updates that Telegram itself gave us, in their order, and where polling goes on.

        All of them in one transaction, after the refused ones are counted: when this returns they
        may be confirmed. Raises StoreUnavailable or StoreBroken; then none is kept.
        """
        for _, reading in updates:
            moved = None if reading is None else migration(reading)
            if moved is not None:
                await self._follow(*moved)
        strangers = [r for _, r in updates if r is not None and not self._admits(r)]
        await asyncio.gather(*(self._refuse(bot, reading) for reading in strangers))
        admitted = [self._admits(reading) for _, reading in updates]
        coming = [
            self._prepare(bot, *update)
            for update, admits in zip(updates, admitted, strict=True)
            if admits
        ]
        try:
            acceptances = await self._inbox.accept([one.arrival for one in coming], offset=offset)
        except BaseException:
            for one in coming:
                self._limits.give_back(one.allowance)
            raise
        told = map(self._tell, coming, acceptances)
        return [next(told) if admits else Taken.REFUSED for admits in admitted]

    def _admits(self, reading: Reading | None) -> bool:
        if reading is None:
            return True
        return self._access.admits(reading.chat_id, reading.user_id, self._chats)

    def _prepare(self, bot: Bot, body: bytes, reading: Reading | None) -> _Coming:
        now, takers = self._clock(), self._takers_of(bot)
        allowance = self._limits.spend(reading, bot.bot_id, now)
        owed = route(
            reading,
            bot.bot_id,
            takers,
            delay=allowance.delay,
            dead=allowance.dead,
            former=self._chats.before(reading.chat_id) if reading else (),
            search=self._search,
        )
        name = event_id(now, self._entropy(ENTROPY))
        return _Coming(arrival(bot, body, reading, owed, name=name, now=now), allowance)

    async def _follow(self, chat_id: int, former: int) -> None:
        """Remember the new id of a group, if a rule names it."""
        if self._book is None:
            return
        named = self._access.authorised | self._chats.authorised | self._named
        if former not in named or former in self._chats.before(chat_id):
            return
        await self._book.move_chat(chat_id, former)
        ids = (*self._chats.before(chat_id), former)
        self._chats = replace(self._chats, former={**self._chats.former, chat_id: ids})
        self._notice(ChatMoved(chat_id=chat_id, former=former))

    def read(self, body: bytes) -> Reading | None:
        """Read an update; what we stumble over is kept as unreadable, not asked for for ever."""
        try:
            return read(body)
        except Exception:  # noqa: BLE001 - a lane must not hang on a bug of ours; it is told
            self._notice(TaskFailed(where="reading", error=traceback.format_exc()))
            return None

    def _tell(self, coming: _Coming, acceptance: Acceptance) -> Taken:
        """Notice what became of an arrival, and wake who has work now."""
        event, owed = coming.arrival.event, coming.arrival.owed
        if acceptance is None:
            self._limits.give_back(coming.allowance)
            self._notice(
                DuplicateSeen(bot_id=event.bot_id, update_id=event.update_id, kind=event.kind)
            )
            return Taken.DUPLICATE
        work = [one.target_id for one in owed if one.dead is None]
        if work:
            self._wake(work)
        if len(work) < len(owed):
            self._tell_dead(event, acceptance, owed)
        self._notice(
            EventAccepted(
                seq=acceptance,
                bot_id=event.bot_id,
                update_id=event.update_id,
                kind=event.kind,
                targets=len(work),
                size=len(event.body),
            )
        )
        return Taken.STORED

    def _tell_dead(self, event: Event, seq: int, owed: Sequence[Owed]) -> None:
        names = {target.target_id: target.name for target in self._targets}
        dead = [one for one in owed if one.dead is not None]
        self._notice(
            DeadOnArrival(
                seq=seq,
                update_id=event.update_id,
                kind=event.kind,
                targets=tuple(names.get(one.target_id, str(one.target_id)) for one in dead),
                reason=dead[0].dead or "",
            )
        )

    async def _refuse(self, bot: Bot, reading: Reading) -> None:
        """Count the update of somebody who is not authorised, and remember the chat."""
        who = reading.user_id if reading.chat_id is None else reading.chat_id
        if who is None:
            raise ValueError("an update of nobody is always admitted")
        await self._inbox.refuse(bot.bot_id, who, reading.chat_kind)
        key = (bot.bot_id, who)
        first = key not in self._strangers and len(self._strangers) < STRANGERS_REMEMBERED
        if first:
            self._strangers.add(key)
        self._notice(
            UpdateRefused(bot_id=bot.bot_id, chat_id=who, chat_kind=reading.chat_kind, first=first)
        )
