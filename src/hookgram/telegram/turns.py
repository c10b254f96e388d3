"""Whose turn it is: the calls of a chat one after another, none faster than Telegram takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hookgram.core.model import SECOND, Micros
from hookgram.core.ratelimit import conform
from hookgram.core.replying import BOT_PACE, CHAT_PACE, Pace

CHATS_REMEMBERED = 10_000


class _Line:
    """Those who wait for the same thing, in the order in which they came."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.arrival: Micros | None = None

    async def conform(self, pace: Pace) -> None:
        """Wait until one more conforms to the pace."""
        now = _now()
        wait, self.arrival = conform(
            self.arrival, now=now, interval=pace.interval, burst=pace.burst
        )
        await asyncio.sleep(wait / SECOND)

    @property
    def idle(self) -> bool:
        """Whether forgetting it changes nothing."""
        return not self.lock.locked() and (self.arrival or 0) <= _now()


class Turns:
    """The lines of every bot and chat, in the memory of this process."""

    def __init__(self) -> None:
        self._chats: dict[tuple[int, str], _Line] = {}
        self._bots: dict[int, _Line] = {}

    @asynccontextmanager
    async def turn(self, bot_id: int, chat: str | None) -> AsyncIterator[None]:
        """Wait for the turn of a call and hold it while it is made, with its chat waiting.

        A call for no chat waits for the bot's pace alone.
        """
        if chat is None:
            await self.pace(bot_id)
            yield
            return
        async with self._chat(bot_id, chat).lock:
            await self._chat(bot_id, chat).conform(CHAT_PACE)
            await self.pace(bot_id)
            yield

    async def pace(self, bot_id: int) -> None:
        """Wait until one more call of the bot conforms."""
        await self._bots.setdefault(bot_id, _Line()).conform(BOT_PACE)

    def _chat(self, bot_id: int, chat: str) -> _Line:
        if len(self._chats) > CHATS_REMEMBERED:
            self._chats = {key: line for key, line in self._chats.items() if not line.idle}
        return self._chats.setdefault((bot_id, chat), _Line())


def _now() -> Micros:
    return int(asyncio.get_running_loop().time() * SECOND)
