"""The short way to read what comes by far the most: a message that is a text.

One decoding into the few fields that matter, where the long way (``core.reading``) makes a
dictionary of every object it walks through. It must find nothing else than the long way does, so
whatever is not as expected is left to that.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, field

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


_decoder = msgspec.json.Decoder(PlainMessage)


def plain_message(payload: Raw) -> PlainMessage | None:
    """Read a message; None when it is not plain."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
