"""Replies: the method call that a responder puts into its answer, as it would to Telegram.

What is executed, what is not, and how fast. Telegram reads a call from a 2xx answer in JSON, as a
form or in parts, executes it and throws its result away; so do we.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from hookgram.core.model import SECOND, Attempt, Micros

LARGEST = 1024 * 1024
"""Bytes of an answer that may hold a reply, as Telegram has it."""

PATIENCE: Micros = 60 * SECOND
"""How long after the answer a reply may still be executed: later nobody expects it."""

MOST_FIELDS = 1000


class Form(enum.StrEnum):
    """The content types that a reply may have."""

    JSON = "application/json"
    PAIRS = "application/x-www-form-urlencoded"
    PARTS = "multipart/form-data"


Fields: TypeAlias = Mapping[str, object]
"""The named values of an answer."""

_METHOD = re.compile(r"[A-Za-z]{1,64}")
_FORBIDDEN = frozenset({"setwebhook", "deletewebhook", "close", "logout"})


class Reply(Struct, frozen=True, kw_only=True):
    """The answer of a responder that may hold a call, kept as it came, and where it belongs.

    ``body`` is None where it was too long or did not come in whole.
    """

    seq: int
    event_id: str
    bot_id: int
    delivery_id: int
    target: str
    attempt: Attempt
    content_type: str
    body: bytes | None


class Call(Struct, frozen=True, kw_only=True):
    """A method of the Bot API, and the chat it is for, if it says so."""

    method: str
    chat: str | None = None


class Ending(enum.StrEnum):
    """How a reply ends. Only ``executed`` is known to have happened, ``unknown`` may have."""

    EXECUTED = "executed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    DROPPED = "dropped"


class Ended(Struct, frozen=True, kw_only=True):
    """What became of a reply. ``status`` is the Bot API's, ``error`` says why it was not done."""

    ending: Ending
    method: str | None = None
    status: int | None = None
    error: str | None = None
    took: Micros = 0


class Pace(Struct, frozen=True, kw_only=True):
    """So many calls at once, then one every ``interval``."""

    interval: Micros
    burst: int


BOT_PACE = Pace(interval=SECOND // 30, burst=30)
CHAT_PACE = Pace(interval=SECOND, burst=3)
"""Telegram's limits: 30 a second for a bot, one a second for a chat, short bursts aside."""


def form_of(content_type: str) -> Form | None:
    """Return which form of a reply an answer has, None for any other."""
    kind = content_type.partition(";")[0].strip().lower()
    return Form(kind) if kind in set(Form) else None


def json_fields(body: bytes) -> Fields:
    """Read an answer in JSON; what is no object of JSON has no fields, as for Telegram."""
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def form_fields(body: bytes) -> Fields:
    """Read an answer that is a form."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def call_in(fields: Fields) -> Call | None:
    """Return the call that an answer's fields make; None when they name no method."""
    method, chat = fields.get("method"), fields.get("chat_id")
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        return None
    known = isinstance(chat, int | str) and not isinstance(chat, bool)
    return Call(method=method, chat=str(chat)[:64] if known else None)


def forbidden(call: Call) -> bool:
    """Tell whether Telegram would not execute it from an answer, nor do we."""
    method = call.method.lower()
    return method in _FORBIDDEN or method.startswith("get")
