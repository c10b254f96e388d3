"""Posting as Telegram does, and what is posted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from fakes.http import Address, Answer, Wire, request
from hookgram.core.definition import Bot
from hookgram.web.ingest import Ingest

Build: TypeAlias = Callable[..., Ingest]
BOT = Bot(name="default", bot_id=123456)
NOW = 1_772_040_230_123_456
SECRET = "the-secret_telegram_sends"
PATH = "/telegram/webhook"
TOKEN = ("X-Telegram-Bot-Api-Secret-Token", SECRET)


def update(update_id: int, **fields: Any) -> bytes:
    text = fields.get("text", "hi")
    return (
        b'{"update_id":%d,\n"message":{"message_id":1,"date":1772040230,'
        b'"chat":{"id":7,"type":"private"},"text":"%s"}}' % (update_id, text.encode())
    )


async def post(
    address: Address, body: bytes, *headers: tuple[str, str | bytes], path: str = PATH
) -> Answer:
    """Post as Telegram does."""
    kind = ("Content-Type", "application/json")
    return await address.request("POST", path, body, [*(headers or [TOKEN]), kind])


WHOLE = request("POST", PATH, update(1), [TOKEN])
ELSEWHERE = request("GET", "/elsewhere")


async def exchange(wire: Wire, asked: bytes) -> Answer:
    """Ask and wait for the answer."""
    await wire.send(asked)
    return await wire.answer()


async def turned(gateway: Address) -> None:
    """Wait until the server has read what was sent before, on whatever connection."""
    async with gateway.wire() as other:
        assert (await exchange(other, ELSEWHERE)).status == 404
