"""Format ``event``: the documented payload."""

from __future__ import annotations

import base64

import msgspec
from msgspec import Raw, Struct

from hookgram.core.formats.layout import Layout
from hookgram.core.model import SECOND, UNPARSED, Event
from hookgram.core.reading import read

_NULL = Raw(b"null")
_encoder = msgspec.json.Encoder()


class Payload(Struct, kw_only=True, omit_defaults=False):
    """The documented payload, in its documented order (format ``event``)."""

    event: str
    platform: str = "telegram"
    chat_id: int | None = None
    user_id: int | None = None
    username: str | None = None
    timestamp: int
    text: str | None = None
    raw: Raw
    event_id: str
    update_id: int | None
    bot_id: int
    received_at: int
    content_type: str | None = None


class UnparsedPayload(Payload, kw_only=True):
    """The payload of a body that could not be read."""

    raw_base64: str


def event_body(event: Event) -> bytes:
    """Return the documented payload; the update's own payload stands in it byte for byte."""
    reading = None if event.kind == UNPARSED else read(event.body)
    if reading is None:
        return _encoder.encode(_unparsed(event))
    received = event.received_at // SECOND
    return _encoder.encode(
        Payload(
            event=reading.kind,
            chat_id=reading.chat_id,
            user_id=reading.user_id,
            username=reading.username,
            timestamp=received if reading.timestamp is None else reading.timestamp,
            text=reading.text,
            raw=Raw(reading.payload),
            event_id=event.event_id,
            update_id=event.update_id,
            bot_id=event.bot_id,
            received_at=received,
            content_type=reading.content_type,
        )
    )


def _unparsed(event: Event) -> UnparsedPayload:
    received = event.received_at // SECOND
    return UnparsedPayload(
        event=event.kind,
        timestamp=received,
        raw=_NULL,
        event_id=event.event_id,
        update_id=event.update_id,
        bot_id=event.bot_id,
        received_at=received,
        raw_base64=base64.b64encode(event.body).decode(),
    )


LAYOUT = Layout(body=event_body, content_type="application/json")
