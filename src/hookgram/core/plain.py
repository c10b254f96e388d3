"""The short way to read what comes by far the most: a message that is a text.

One decoding into the few fields that matter, where the long way (``core.reading``) makes a
dictionary of every object it walks through, the update included. It must find nothing else than
the long way does, so whatever is not as expected is left to that.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from hookgram.core.kinds import KINDS

Integer64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Chat(Struct, frozen=True, gc=False):
    """Where it was said."""

    id: Integer64
    type: str | None = None


class User(Struct, frozen=True, gc=False):
    """Who said it."""

    id: Integer64 | None = None
    username: str | None = None


class PlainMessage(Struct, frozen=True, kw_only=True, gc=False):
    """A message with a chat, a date and a text."""

    chat: Chat
    user: User = field(name="from", default=User())
    date: Annotated[int, Meta(gt=0, lt=2**40)]
    text: str


PlainUpdate: TypeAlias = tuple[int, str, bytes, PlainMessage]
"""An update's number, its kind, and its payload, as it is and read."""

_kinds = {
    name.encode(): name for name, kind in KINDS.items() if kind.content and kind.moment == ("date",)
}
_decoder = msgspec.json.Decoder(PlainMessage)
_beginning = re.compile(
    rb'\{"update_id":[ \t\r\n]*(0|[1-9][0-9]{0,17}),[ \t\r\n]*"([a-z_]+)":[ \t\r\n]*'
)


def plain_update(body: bytes) -> PlainUpdate | None:
    """Read an update as Telegram writes it; None when it is not plain.

    What stands between such a beginning and the last brace is the payload and nothing else, if it
    can be decoded as one value.
    """
    beginning = _beginning.match(body)
    if beginning is None or not body.endswith(b"}}"):
        return None
    number, name = beginning.groups()
    kind = _kinds.get(name)
    if kind is None:
        return None
    payload = body[beginning.end() : -1]
    try:
        return int(number), kind, payload, _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
