"""The updates that are posted: messages of about 900 bytes, from 20,000 chats in turn."""

from __future__ import annotations

import json

CHATS = 20_000
FIRST = 100_000
"""The first update id."""

_NUMBER, _CHAT, _MESSAGE = 7_777_777_777, 8_888_888_888, 9_999_999_999


def _person(number: int) -> dict[str, object]:
    return {
        "id": number,
        "is_bot": False,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "username": "ada_lovelace",
        "language_code": "en",
    }


def _template() -> bytes:
    """Write a reply with entities, as Telegram does; percent signs stand for its numbers."""
    chat = {"id": _CHAT, "first_name": "Ada", "username": "ada_lovelace", "type": "private"}
    asked = {
        "message_id": 41,
        "from": _person(123456) | {"is_bot": True},
        "chat": chat,
        "date": 1_787_550_000,
        "text": "What would you like to order? Send me the number of the dish, please.",
    }
    entities = [
        {"offset": 0, "length": 6, "type": "bot_command"},
        {"offset": 28, "length": 23, "type": "url"},
    ]
    message = {
        "message_id": _MESSAGE,
        "from": _person(_CHAT),
        "chat": chat,
        "date": 1_787_550_007,
        "reply_to_message": asked,
        "text": "/order 77, as it is shown at https://example.com/menu, and a glass of water",
        "entities": entities,
    }
    text = json.dumps(message, separators=(",", ":"))
    body = f'{{"update_id":{_NUMBER},\n"message":{text}}}'.encode()
    for number, name in ((_NUMBER, b"number"), (_CHAT, b"chat"), (_MESSAGE, b"message")):
        body = body.replace(str(number).encode(), b"%%(%s)d" % name)
    return body


_TEMPLATE = _template()


def body(number: int) -> bytes:
    """Write the update with this id."""
    chat = 5_000_000_000 + number % CHATS
    return _TEMPLATE % {b"number": number, b"chat": chat, b"message": number % 1_000_000}


def number_in(delivered: bytes) -> int:
    """Read the update id out of a body as it came, or as a target gets it."""
    start = delivered.index(b'"update_id":', 0 if delivered[2:3] == b"u" else -200) + 12
    end = start
    while delivered[end : end + 1].isdigit():
        end += 1
    return int(delivered[start:end])
