"""Take what Telegram sends: read, admit, route, keep; in one transaction, before it is answered."""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from hookgram.core.access import Access
from hookgram.core.facts import DuplicateSeen, EventAccepted, UpdateRefused
from hookgram.core.identity import digest, digest_unparsed, event_id
from hookgram.core.model import UNPARSED, Arrival, Bot, Event, Micros, Owed, Target
from hookgram.core.ratelimit import delay
from hookgram.core.reading import Reading, read
from hookgram.core.routing import RATE_LIMITED, route
from hookgram.ports import Clock, Inbox, Notice

CHATS_REMEMBERED = 100_000
"""Chats whose rate is remembered; the one not seen for longest is forgotten first."""

STRANGERS_REMEMBERED = 10_000


class Taken(enum.Enum):
    """What became of a body."""

    STORED = enum.auto()
    DUPLICATE = enum.auto()
    REFUSED = enum.auto()
    UNREADABLE = enum.auto()
    """No update, and no secret that would prove where it came from: nothing was kept."""


class Limits:
    """The rate of each chat, in this process's memory. ``per_minute`` 0: no limit."""

    def __init__(self, per_minute: int, max_delay: Micros) -> None:
        self._per_minute = per_minute
        self._max_delay = max_delay
        self._arrivals: OrderedDict[tuple[int, int], Micros] = OrderedDict()

    def owed(self, reading: Reading | None, bot_id: int, now: Micros) -> tuple[Micros, str | None]:
        """Return the delay of an update's deliveries, or why they are dead at once."""
        if (
            reading is None
            or not reading.limited
            or reading.chat_id is None
            or not self._per_minute
        ):
            return 0, None
        key = (bot_id, reading.chat_id)
        wait, arrival = delay(self._arrivals.get(key), now=now, per_minute=self._per_minute)
        if self._max_delay and wait > self._max_delay:
            return 0, RATE_LIMITED
        self._arrivals[key] = arrival
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > CHATS_REMEMBERED:
            self._arrivals.popitem(last=False)
        return wait, None


class Intake:
    """The way in for every source of updates."""

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
    ) -> None:
        self._inbox = inbox
        self._access = access
        self._limits = limits
        self._clock = clock
        self._entropy = entropy
        self._notice = notice
        self._wake = wake
        self._targets: Sequence[Target] = ()
        self._strangers: set[tuple[int, int]] = set()

    def set_targets(self, targets: Sequence[Target]) -> None:
        """Route to these from now on."""
        self._targets = tuple(targets)

    async def take(self, bot: Bot, body: bytes, *, trusted: bool) -> Taken:
        """Keep one body; returns when it is on stable storage.

        *trusted*: it came with the right secret; without one, a body that is no update is not kept.
        Raises StoreUnavailable or StoreBroken when it could not be kept.
        """
        reading = read(body)
        if reading is None:
            if not trusted:
                return Taken.UNREADABLE
        elif not self._access.admits(reading.chat_id, reading.user_id):
            await self._refuse(bot, reading)
            return Taken.REFUSED
        arrival = self._arrival(bot, body, reading)
        [acceptance] = await self._inbox.accept((arrival,))
        event = arrival.event
        if acceptance.seq is None:
            self._notice(
                DuplicateSeen(bot_id=bot.bot_id, update_id=event.update_id, kind=event.kind)
            )
            return Taken.DUPLICATE
        self._wake(owed.target_id for owed in arrival.owed)
        self._notice(_accepted(event, acceptance.seq, arrival.owed))
        return Taken.STORED

    def _arrival(self, bot: Bot, body: bytes, reading: Reading | None) -> Arrival:
        now = self._clock()
        wait, dead = self._limits.owed(reading, bot.bot_id, now)
        owed = route(reading, bot.bot_id, self._targets, delay=wait, dead=dead)
        name = event_id(now, self._entropy(10))
        if reading is None:
            event = Event(
                event_id=name,
                bot_id=bot.bot_id,
                update_id=None,
                kind=UNPARSED,
                chat_id=None,
                user_id=None,
                lane=None,
                received_at=now,
                expires_at=None,
                body=body,
            )
            return Arrival(event=event, digest=digest_unparsed(body), owed=owed)
        event = Event(
            event_id=name,
            bot_id=bot.bot_id,
            update_id=reading.update_id,
            kind=reading.kind,
            chat_id=reading.chat_id,
            user_id=reading.user_id,
            lane=reading.lane,
            received_at=now,
            expires_at=reading.expires_at(now),
            body=body,
        )
        return Arrival(event=event, digest=digest(reading.kind, reading.payload), owed=owed)

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


def _accepted(event: Event, seq: int, owed: Sequence[Owed]) -> EventAccepted:
    return EventAccepted(
        seq=seq,
        bot_id=event.bot_id,
        update_id=event.update_id,
        kind=event.kind,
        targets=len(owed),
        size=len(event.body),
    )
