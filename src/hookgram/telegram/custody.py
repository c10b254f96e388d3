"""Keeps a bot's webhook as it should be: looks, compares, sets it again, and says what it finds.

Nothing of the gateway's own work waits for Telegram here. Importing this module takes seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hookgram.core import custody as core
from hookgram.core.complaints import explain
from hookgram.core.definition import Bot
from hookgram.core.facts import (
    CustodyHindered,
    CustodyResumed,
    UpdatesPiling,
    WebhookContested,
    WebhookFailing,
    WebhookSet,
    WebhookStolen,
)
from hookgram.core.model import SECOND, Micros
from hookgram.core.redact import safe_url
from hookgram.core.webhook import Webhook, Wish
from hookgram.errors import StoreUnavailable, TelegramError, TelegramUnavailable
from hookgram.ports import Clock, Notice, WebhookBook
from hookgram.telegram.bot_api import PATIENCE, BotApi
from hookgram.telegram.duty import Shift, Turns, rest, until

STORE_PATIENCE = 10.0
LONGEST_TURN = 2 * (PATIENCE + STORE_PATIENCE)


class Custodian:
    """Keeps one bot's webhook while it has the duty; ``last_turn`` is for a watchdog.

    *wish* is what the webhook shall be, *path* the gateway's own. All waits are divided by *haste*.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        token: str,
        base_url: str,
        wish: Wish,
        path: str,
        book: WebhookBook,
        shift: Shift,
        clock: Clock,
        notice: Notice,
        haste: float = 1.0,
    ) -> None:
        self._bot = bot
        self._token = token
        self._base_url = base_url
        self._wish = wish
        self._path = path
        self._book = book
        self._shift = shift
        self._clock = clock
        self._notice = notice
        self._haste = haste
        self._turns = Turns()
        self._memory = core.Memory()
        self._contested = False
        self._hindrance: str | None = None
        self._times = 0

    @property
    def last_turn(self) -> float:
        """When its loop turned last."""
        return self._turns.last

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the webhook until *stop*, whenever the duty is ours. Raises StoreBroken."""
        self._turns.expect(float("inf"))  # the shift's own waits are bounded
        await self._shift.run(self._look_after, stop)

    async def _look_after(self, over: asyncio.Event) -> None:
        try:
            async with BotApi(self._token, self._base_url) as api:
                while not over.is_set():
                    self._turns.expect(LONGEST_TURN)
                    wait = await self._unless(over, self._turn(api))
                    self._turns.expect(wait)
                    await rest(over, wait)
        finally:
            self._turns.expect(float("inf"))

    async def _unless(self, over: asyncio.Event, turn: Coroutine[Any, Any, Micros]) -> float:
        """Take a turn, cut off when we must end; returns the seconds to wait after it."""
        turning = asyncio.ensure_future(turn)
        await until(over, turning, seconds=LONGEST_TURN)
        if turning.done():
            return turning.result() / SECOND / self._haste
        turning.cancel()
        await asyncio.wait((turning,))
        return 0

    async def _turn(self, api: BotApi) -> Micros:
        """Look once, and set it if that is due; returns how long to wait."""
        try:
            wait = await self._look(api)
        except (TelegramError, StoreUnavailable, TimeoutError) as error:
            return self._hindered(error)
        if self._hindrance is not None:
            self._notice(CustodyResumed(bot=self._bot.name))
        self._hindrance, self._times = None, 0
        return wait

    async def _look(self, api: BotApi) -> Micros:
        bot_id = self._bot.bot_id
        webhook = await api.webhook()
        async with asyncio.timeout(STORE_PATIENCE):
            marked = await self._book.webhook_mark(bot_id)
        seen = core.look(
            webhook, self._wish, self._path, self._memory, marked=marked, now=self._clock()
        )
        if seen.act:
            await api.set_webhook(self._wish)
            async with asyncio.timeout(STORE_PATIENCE):
                await self._book.mark_webhook(bot_id, core.mark_of(self._wish))
        # Told and remembered once it is done: until then each try finds it anew.
        self._memory = seen.memory
        self._tell(webhook, seen)
        return seen.next_look

    def _tell(self, webhook: Webhook, seen: core.Look) -> None:
        name = self._bot.name
        if seen.stolen and (seen.act or not self._contested):
            place = safe_url(webhook.url) if webhook.url else ""
            self._notice(WebhookStolen(bot=name, place=place))
        if seen.act:
            self._notice(WebhookSet(bot=name, why="; ".join(seen.wrong)))
        if seen.contested and not self._contested:
            self._notice(WebhookContested(bot=name))
        self._contested = seen.contested
        if seen.complaint is not None:
            cause = explain(seen.complaint)
            fact = WebhookFailing(
                bot=name, said=seen.complaint, means=cause.means, advice=cause.cure
            )
            self._notice(fact)
        if seen.piling is not None:
            self._notice(UpdatesPiling(bot=name, pending=seen.piling))

    def _hindered(self, error: Exception) -> Micros:
        """Tell it, unless it was told already; returns how long to wait."""
        reason = str(error) or "the store does not answer in time"
        known = reason == self._hindrance
        self._hindrance, self._times = reason, self._times + 1
        asked = error.retry_after if isinstance(error, TelegramUnavailable) else None
        wait = core.pause(self._times, asked)
        if not known:
            self._notice(CustodyHindered(bot=self._bot.name, reason=reason, wait=wait))
        return wait
