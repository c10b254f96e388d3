"""What is sent: the body and headers of one attempt at one target."""

from __future__ import annotations

import base64
from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from hookgram.core.model import SECOND, UNPARSED, Definition, Event, Format, Micros
from hookgram.core.outcome import Outbound
from hookgram.core.reading import read
from hookgram.core.signing import gateway_signature, sign

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


BODIES: dict[Format, Callable[[Event], bytes]] = {Format.EVENT: event_body}


def compose(
    event: Event,
    definition: Definition,
    *,
    attempt: int,
    replay_of: int | None,
    at: Micros,
    user_agent: str,
) -> Outbound:
    """Compose one attempt: the body is the same for each, signatures cover the time *at*."""
    body = BODIES[definition.format](event)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "Accept-Encoding": "identity",
        "webhook-id": event.event_id,
        "webhook-timestamp": str(at // SECOND),
        "X-Gateway-Attempt": str(attempt),
    }
    if definition.secrets:
        headers["webhook-signature"] = sign(
            definition.secrets, event_id=event.event_id, timestamp=at // SECOND, body=body
        )
        headers["X-Gateway-Signature"] = gateway_signature(definition.secrets[0], body)
    if replay_of is not None:
        headers["X-Gateway-Replay"] = str(replay_of)
    return Outbound(headers=headers, body=body, timeout=definition.timeout)
