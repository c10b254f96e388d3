"""The Bot API's answers and troubles in our words; without its library, which is slow to import."""

from __future__ import annotations

import json
import os
from typing import Any, NoReturn

import aiohttp

from hookgram.core.redact import mask
from hookgram.errors import (
    TelegramConflict,
    TelegramRefused,
    TelegramUnavailable,
    TokenRejected,
)

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
"""The deadline is the caller's own, over the whole exchange."""
LARGEST_ANSWER = 8 * 1024 * 1024
LONGEST_TEXT = 300
LONGEST_WAIT = 86_400.0


class TooLarge(ValueError):
    """An answer that is longer than we read."""


def check(status: int, text: str) -> None:
    """Raise what an answer that is not ok means: one of TelegramError's."""
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


async def read_body(answer: aiohttp.ClientResponse) -> bytes:
    """Read an answer to its end. Raises TooLarge."""
    taken = bytearray()
    async for piece in answer.content.iter_chunked(64 * 1024):
        taken += piece
        if len(taken) > LARGEST_ANSWER:
            raise TooLarge("the answer is too large")
    return bytes(taken)


def why(error: Exception) -> str:
    """Say why Telegram was not reached; never with the URL, which holds the token."""
    cause: BaseException = error.__cause__ or error
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate was refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return os.strerror(number) if number and number > 0 else "no connection"
    return str(error) if isinstance(error, TooLarge) else type(cause).__name__
