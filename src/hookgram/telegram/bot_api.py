"""Calls the Bot API through aiogram; its answers and troubles in our words.

Importing this module takes seconds: import it where a call is made.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Self

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import DeleteWebhook, GetMe, GetWebhookInfo, SetWebhook, TelegramMethod
from aiogram.methods.base import TelegramType

from hookgram.core.model import SECOND, Micros
from hookgram.core.webhook import Me, Webhook, Wish
from hookgram.errors import TelegramUnavailable
from hookgram.telegram.answers import NO_TIMEOUT, check, read_body, why

PATIENCE = 10.0
"""Seconds an answer may take."""


class BotApi:
    """One bot's side of the Bot API. Make it on the event loop; use it as a context.

    Every method raises TokenRejected, TelegramRefused or TelegramUnavailable, whose texts never
    hold the token. Nothing is tried twice.
    """

    def __init__(self, token: str, base_url: str, *, patience: float = PATIENCE) -> None:
        server = TelegramAPIServer.from_base(base_url.rstrip("/"))
        self._session = _Session(api=server, timeout=patience)
        self._bot = Bot(token, session=self._session)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def ahead(self) -> Micros | None:
        """How far this machine's clock is ahead of the server's, by its last answer."""
        return self._session.ahead

    async def me(self) -> Me:
        """Ask who the bot is."""
        user = await self._bot(GetMe())
        return Me(
            bot_id=user.id,
            username=user.username,
            reads_groups=bool(user.can_read_all_group_messages),
        )

    async def webhook(self) -> Webhook:
        """Ask what the webhook is."""
        info = await self._bot(GetWebhookInfo())
        return Webhook(
            url=info.url,
            pending=info.pending_update_count,
            address=info.ip_address,
            certificate=info.has_custom_certificate,
            connections=info.max_connections,
            allowed=None if info.allowed_updates is None else tuple(info.allowed_updates),
            error=info.last_error_message,
            error_at=_moment(info.last_error_date),
            synchronization_error_at=_moment(info.last_synchronization_error_date),
        )

    async def set_webhook(self, wish: Wish, *, drop_pending: bool = False) -> None:
        """Have updates posted as wished. *drop_pending* throws away those that wait."""
        await self._bot(
            SetWebhook(
                url=wish.url,
                secret_token=wish.secret,
                max_connections=wish.connections,
                allowed_updates=list(wish.allowed),
                drop_pending_updates=drop_pending,
            )
        )

    async def delete_webhook(self, *, drop_pending: bool = False) -> None:
        """Have no updates posted any more."""
        await self._bot(DeleteWebhook(drop_pending_updates=drop_pending))


class _Session(AiohttpSession):
    """aiogram's session, with a limit, a deadline, no redirects, and troubles in our words."""

    ahead: Micros | None = None

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109
    ) -> TelegramType:
        """Call one method."""
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        try:
            async with (
                asyncio.timeout(timeout or self.timeout),
                session.post(url, data=form, allow_redirects=False, timeout=NO_TIMEOUT) as answer,
            ):
                self.ahead = _ahead(answer.headers.get("Date"))
                text = (await read_body(answer)).decode("utf-8", "replace")
        except TimeoutError:
            raise TelegramUnavailable("Telegram did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Without the cause: its text may hold the URL, and with it the token.
            raise TelegramUnavailable(f"Telegram cannot be reached: {why(error)}") from None
        check(answer.status, text)
        try:
            result = self.check_response(bot, method, answer.status, text).result
        except ClientDecodeError:
            result = None
        if result is None:
            raise TelegramUnavailable("Telegram's answer has a form we do not know")
        return result


def _ahead(date: str | None) -> Micros | None:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    # A date has whole seconds: on the average half a second has passed since.
    return int((time.time() - theirs - 0.5) * SECOND)


def _moment(moment: datetime | None) -> Micros | None:
    return None if moment is None else int(moment.timestamp()) * SECOND
