"""How the Bot API server queues and repeats updates, as plain numbers.

Source: ``WebhookActor.cpp`` and ``Client.cpp`` of tdlib/telegram-bot-api, Bot API 10.0.
"""

from __future__ import annotations

import json
from typing import Any

HOUR = 3600.0
DAY = 24 * HOUR
ANSWER_TIMEOUT = 60.0
LONGEST_RETRY_AFTER = HOUR
OPENING = (10, 0.5)
"""New connections within so many seconds, while there was a success in the last ten."""
OPENING_SLOWLY = (1, 2.0)
RECENT = 10.0
UNPARSED: tuple[None, str, None] = (None, "unparsed", None)

LIFETIMES = {
    "inline_query": 30.0,
    "callback_query": 150.0,
    "shipping_query": 150.0,
    "pre_checkout_query": 150.0,
    "chosen_inline_result": 600.0,
}

_CHAT = {
    "message": "chat",
    "edited_message": "chat",
    "channel_post": "chat",
    "edited_channel_post": "chat",
    "business_message": "business",
    "edited_business_message": "business",
    "deleted_business_messages": "business",
    "guest_message": "guest",
    "my_chat_member": "my_chat_member",
    "message_reaction": "message_reaction",
    "message_reaction_count": "message_reaction_count",
    "chat_boost": "boost",
    "removed_chat_boost": "boost",
    "stopped_message_generation": "stopped",
}
_USER = {
    "inline_query": ("inline", "from"),
    "chosen_inline_result": ("chosen", "from"),
    "callback_query": ("callback", "from"),
    "shipping_query": ("payment", "from"),
    "pre_checkout_query": ("payment", "from"),
    "chat_join_request": ("member", "from"),
    "purchased_paid_media": ("paid", "from"),
    "business_connection": ("connection", "user"),
    "managed_bot": ("managed", "user"),
    "subscription": ("subscription", "user"),
}


def queue_id(kind: str, payload: Any) -> str | None:
    """Return the ordering domain of an update; None when it is alone."""
    try:
        if kind in _CHAT:
            return f"{_CHAT[kind]}:{payload['chat']['id']}"
        if kind in _USER:
            space, who = _USER[kind]
            return f"{space}:{payload[who]['id']}"
        if kind == "chat_member":
            return f"member:{payload['old_chat_member']['user']['id']}"
        if kind in {"poll", "poll_answer"}:
            return f"poll:{payload['id' if kind == 'poll' else 'poll_id']}"
    except (KeyError, TypeError):
        return None
    return None


def lifetime(kind: str) -> float:
    """Return how many seconds an update is offered."""
    return LIFETIMES.get(kind, DAY)


def retry_wait(failures: int, chance: float) -> float:
    """Return the seconds before the next try after so many failures: at once, 2, 4 … 64, 60–120."""
    if failures <= 1:
        return 0.0
    doubled = 2.0 ** (failures - 1)
    return doubled if doubled <= 64 else 60 + 60 * chance


def wait_after(failures: int, chance: float, retry_after: str | None) -> float:
    """Return the wait; a ``Retry-After`` in whole seconds replaces it, an hour at most, 0 not."""
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        seconds = min(float(retry_after), LONGEST_RETRY_AFTER)
        if seconds > 0:
            return seconds
    return retry_wait(failures, chance)


def split(body: bytes) -> tuple[int | None, str, Any]:
    """Return an update's id, kind and payload; (None, "unparsed", None) for what is none.

    Strings come as Latin-1 text, a character for each byte: Telegram can send invalid UTF-8.
    """
    try:
        update = json.loads(body.decode("latin-1"), strict=False)
        number = update.pop("update_id")
        kind, payload = next(iter(update.items()))
    except (ValueError, TypeError, AttributeError, KeyError, StopIteration, RecursionError):
        return UNPARSED
    return (number, kind, payload) if type(number) is int else UNPARSED


def payload_of(body: bytes) -> bytes:
    """Return the bytes of an update's payload; the whole body of what is no update."""
    _, kind, _ = split(body)
    return body if kind == "unparsed" else member_of(body, kind)


def member_of(body: bytes, wanted: str) -> bytes:
    """Cut a member's value out of a JSON object, exactly as its bytes stand in it."""
    text = body.decode("latin-1")  # a character for each byte
    decoder = json.JSONDecoder(strict=False)
    place = _skip(text, text.index("{") + 1)
    while place < len(text) and text[place] == '"':
        name, place = decoder.raw_decode(text, place)
        start = _skip(text, _skip(text, place) + 1)
        _, end = decoder.raw_decode(text, start)
        if name == wanted:
            return body[start:end]
        place = _skip(text, _skip(text, end) + 1)
    return b""


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place
