"""Calls the Bot API through aiogram; its answers and troubles in our words.

Importing this module takes seconds: import it where a call is made.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Self

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import DeleteWebhook, GetMe, GetWebhookInfo, SetWebhook, TelegramMethod
from aiogram.methods.base import TelegramType

from hookgram.core.model import SECOND, Micros
from hookgram.core.redact import mask
from hookgram.core.webhook import Me, Webhook, Wish
from hookgram.errors import (
    TelegramConflict,
    TelegramRefused,
    TelegramUnavailable,
    TokenRejected,
)

PATIENCE = 10.0
"""Seconds an answer may take."""
LARGEST_ANSWER = 8 * 1024 * 1024
LONGEST_TEXT = 300
LONGEST_WAIT = 86_400.0


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
                session.post(url, data=form, allow_redirects=False, timeout=_NO_TIMEOUT) as answer,
            ):
                self.ahead = _ahead(answer.headers.get("Date"))
                text = await _text(answer)
        except TimeoutError:
            raise TelegramUnavailable("Telegram did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Without the cause: its text may hold the URL, and with it the token.
            raise TelegramUnavailable(f"Telegram cannot be reached: {_why(error)}") from None
        _check(answer.status, text)
        try:
            result = self.check_response(bot, method, answer.status, text).result
        except ClientDecodeError:
            result = None
        if result is None:
            raise TelegramUnavailable("Telegram's answer has a form we do not know")
        return result


_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


def _check(status: int, text: str) -> None:
    """Raise what an answer that is not ok means."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        raise TelegramUnavailable(
            f"what answered (status {status}) is no Bot API; is TELEGRAM_API_URL right?"
        )
    if not (answer["ok"] and 200 <= status <= 299):
        _refuse(status, answer)


def _refuse(status: int, answer: dict[str, Any]) -> NoReturn:
    code = answer.get("error_code")
    code = code if isinstance(code, int) else status
    said = mask(str(answer.get("description") or f"error {code}"))[:LONGEST_TEXT]
    parameters = answer.get("parameters")
    wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if isinstance(wait, int | float) or code == 429 or code >= 500:
        seconds = min(max(float(wait), 0), LONGEST_WAIT) if isinstance(wait, int | float) else None
        raise TelegramUnavailable(f"Telegram says: {said}", seconds)
    if code in {401, 404}:
        raise TokenRejected(
            f"Telegram does not know this bot token ({said}): copy it again from @BotFather"
        )
    if code == 409:
        raise TelegramConflict(f"Telegram says: {said}")
    raise TelegramRefused(f"Telegram says: {said}")


async def _text(answer: aiohttp.ClientResponse) -> str:
    taken = bytearray()
    async for piece in answer.content.iter_chunked(64 * 1024):
        taken += piece
        if len(taken) > LARGEST_ANSWER:
            raise ValueError("the answer is too large")
    return taken.decode("utf-8", "replace")


def _why(error: Exception) -> str:
    cause: BaseException = error.__cause__ or error
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate was refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return os.strerror(number) if number and number > 0 else "no connection"
    return str(error) if type(error) is ValueError else type(cause).__name__


def _ahead(date: str | None) -> Micros | None:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    # A date has whole seconds: on the average half a second has passed since.
    return int((time.time() - theirs - 0.5) * SECOND)


def _moment(moment: datetime | None) -> Micros | None:
    return None if moment is None else int(moment.timestamp()) * SECOND
