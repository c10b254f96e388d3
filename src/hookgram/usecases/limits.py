"""The rate of each chat, in the memory of the process that takes its updates."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from hookgram.core.model import SECOND, Micros
from hookgram.core.ratelimit import delay, given_back
from hookgram.core.reading import Reading
from hookgram.core.routing import RATE_LIMITED

CHATS_REMEMBERED = 100_000
"""Chats whose rate is remembered; the one not seen for longest is forgotten first."""


class Allowance(Struct, frozen=True, kw_only=True, gc=False):
    """What a limit says of one update: how long its deliveries wait, or why they are dead.

    ``chat`` is the (bot, chat) whose allowance it uses up, if it uses any.
    """

    delay: Micros = 0
    dead: str | None = None
    chat: tuple[int, int] | None = None


UNLIMITED = Allowance()


class Limits:
    """The rate of each chat, in this process's memory. ``per_minute`` 0: no limit.

    What would wait longer than *max_delay* (0: no cap) is dead and uses up nothing.
    """

    def __init__(self, per_minute: int, max_delay: Micros) -> None:
        self._per_minute = per_minute
        self._max_delay = max_delay
        self._arrivals: OrderedDict[tuple[int, int], Micros] = OrderedDict()
        self._latest: Micros = 0

    def spend(self, reading: Reading | None, bot_id: int, now: Micros) -> Allowance:
        """Use up one update's worth of its chat's allowance."""
        if not self._per_minute or reading is None or not reading.limited:
            return UNLIMITED
        if reading.chat_id is None:
            return UNLIMITED
        if now < self._latest - SECOND:
            # The clock was set back: better no limit for a moment than chats held up for the gap.
            self._arrivals.clear()
        self._latest = now
        chat = (bot_id, reading.chat_id)
        wait, arrival = delay(self._arrivals.get(chat), now=now, per_minute=self._per_minute)
        if self._max_delay and wait > self._max_delay:
            return Allowance(dead=RATE_LIMITED)
        self._arrivals[chat] = arrival
        self._arrivals.move_to_end(chat)
        if len(self._arrivals) > CHATS_REMEMBERED:
            self._arrivals.popitem(last=False)
        return Allowance(delay=wait, chat=chat)

    def give_back(self, allowance: Allowance) -> None:
        """Take back one ``spend``: the update was not stored, or was stored before."""
        chat = allowance.chat
        if chat is not None and chat in self._arrivals:
            arrival = self._arrivals[chat]
            self._arrivals[chat] = given_back(arrival, per_minute=self._per_minute)
