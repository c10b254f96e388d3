"""How updates come in: posted to a door of ours, or asked for."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from hookgram.app.entropy import Entropy
from hookgram.core.access import Chats
from hookgram.core.definition import Target
from hookgram.core.webhook import Wish, wanted_kinds
from hookgram.ports import Clock, Notice, Store
from hookgram.settings import Settings, expressions
from hookgram.settings.bots import BotSetting, of_bot
from hookgram.telegram.duty import Shift
from hookgram.telegram.polling import Poller
from hookgram.usecases.intake import Intake, Limits
from hookgram.web.door import Door

SECRET_BYTES = 32

Loop: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]


class WaysIn:
    """Makes what the settings want: ``doors`` by path, ``loops`` to run, ``turns`` to watch.

    ``intake`` takes what comes; *wake* is called with the targets that have new work. While a bot
    is polled its door stays open to posts that prove where they come from, so that nothing waits
    while an operator changes over; without a secret there is none.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        notice: Notice,
        wake: Callable[[Iterable[int]], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._notice = notice
        self.intake = self._intake(wake)
        self.doors: dict[str, Door] = {}
        self.loops: dict[str, Loop] = {}
        self.turns: dict[str, Callable[[], float]] = {}

    def _intake(self, wake: Callable[[Iterable[int]], None]) -> Intake:
        settings = self._settings
        return Intake(
            inbox=self._store,
            access=settings.access(),
            limits=Limits(settings.rate_limit_per_min, settings.rate_limit_max_delay),
            clock=self._clock,
            entropy=Entropy(),
            notice=self._notice,
            wake=wake,
            search=expressions.search,
            book=self._store,
        )

    def set_book(self, targets: Sequence[Target], chats: Chats) -> None:
        """Route to these, and admit these, from now on."""
        self.intake.set_targets(targets)
        self.intake.set_chats(chats)

    async def open(self) -> None:
        """Make the doors, what brings updates, and what keeps the webhooks."""
        for one in self._settings.bots():
            await self._open(one, of_bot(self._settings, one.bot.name).kept_url)

    async def _open(self, one: BotSetting, kept_url: str | None) -> None:
        secret = one.secret
        if kept_url is not None:
            made = secrets.token_urlsafe(SECRET_BYTES)
            secret = secret or await self._store.webhook_secret(one.bot.bot_id, made)
            self._keep_webhook(one, kept_url, secret)
        if one.polls:
            self._poll(one)
        if secret is not None or not one.polls:
            self.doors[one.path] = Door(bot=one.bot, secret=secret)

    def _poll(self, one: BotSetting) -> None:
        bot = one.bot
        poller = Poller(
            bot=bot,
            token=one.token,
            base_url=self._settings.telegram_api_url,
            intake=self.intake,
            inbox=self._store,
            shift=self._shift(f"polling/{bot.bot_id}"),
            notice=self._notice,
        )
        self._add(f"polling of {bot.name}", poller.run, lambda: poller.last_turn)

    def _keep_webhook(self, one: BotSetting, url: str, secret: str) -> None:
        # Seconds and 150 MB, before we listen, and only where the webhook is ours to keep.
        from hookgram.telegram.custody import Custodian  # noqa: PLC0415

        bot = one.bot
        allowed = wanted_kinds(self._settings.definitions(), bot.bot_id)
        custodian = Custodian(
            bot=bot,
            token=one.token,
            base_url=self._settings.telegram_api_url,
            wish=Wish(url=url, secret=secret, allowed=allowed),
            path=one.path,
            book=self._store,
            shift=self._shift(f"custody/{bot.bot_id}"),
            clock=self._clock,
            notice=self._notice,
        )
        name = f"custody of {bot.name}'s webhook"
        self._add(name, custodian.run, lambda: custodian.last_turn)

    def _add(self, name: str, loop: Loop, turn: Callable[[], float]) -> None:
        self.loops[name] = loop
        self.turns[name] = turn

    def _shift(self, duty: str) -> Shift:
        holder = f"{socket.gethostname()}/{os.getpid()}"
        return Shift(self._store, duty, holder, self._notice)
