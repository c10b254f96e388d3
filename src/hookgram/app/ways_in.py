"""How updates come in: posted to a door of ours, or asked for."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from hookgram.ports import Notice, Store
from hookgram.settings import Settings
from hookgram.telegram.duty import Shift
from hookgram.telegram.polling import Poller
from hookgram.usecases.intake import Intake
from hookgram.web.ingest import Door

Loop: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]


class WaysIn:
    """Makes what the settings want: ``doors`` by path, ``loops`` to run, ``turns`` to watch.

    While a bot is polled its door stays open to posts that prove where they come from, so that
    nothing waits while an operator changes over; without a secret there is none.
    """

    def __init__(self, settings: Settings, store: Store, notice: Notice) -> None:
        self._settings = settings
        self._store = store
        self._notice = notice
        self.doors: dict[str, Door] = {}
        self.loops: dict[str, Loop] = {}
        self.turns: dict[str, Callable[[], float]] = {}

    def build(self, intake: Intake) -> None:
        """Make the doors, and the pollers that bring *intake* its updates."""
        settings, bot = self._settings, self._settings.bot()
        if settings.polls:
            poller = Poller(
                bot=bot,
                token=settings.bot_token.get_secret_value(),
                base_url=settings.telegram_api_url,
                intake=intake,
                inbox=self._store,
                shift=self._shift(f"polling/{bot.bot_id}"),
                notice=self._notice,
            )
            name = f"polling of {bot.name}"
            self.loops[name] = poller.run
            self.turns[name] = lambda: poller.last_turn
        if settings.ingest_secret is not None or not settings.polls:
            door = Door(bot=bot, secret=settings.ingest_secret)
            self.doors[settings.telegram_webhook_path] = door

    def _shift(self, duty: str) -> Shift:
        holder = f"{socket.gethostname()}/{os.getpid()}"
        return Shift(self._store, duty, holder, self._notice)
