"""Format ``cloudevents``: a CloudEvent 1.0 in structured mode."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from hookgram.core.formats.layout import Layout
from hookgram.core.model import SECOND, UNPARSED, Event
from hookgram.core.reading import Reading, read

TYPES = "org.telegram.update."
LAST_SECOND = 253_402_300_799
"""The end of the year 9999: RFC 3339 has four digits."""

_encoder = msgspec.json.Encoder()


class CloudEvent(Struct, kw_only=True, omit_defaults=True):
    """The attributes, then the data: the payload of the update's kind, byte for byte."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str | None = None
    tgupdateid: str | None = None
    """The update's number: text, because a CloudEvents integer has 32 bits."""
    datacontenttype: str
    data: Raw | None = None
    data_base64: str | None = None


def cloud_event(event: Event) -> bytes:
    """Return the event as a CloudEvent; a body that could not be read stands in ``data_base64``."""
    reading = None if event.kind == UNPARSED else read(event.body)
    data = (
        {"data_base64": base64.b64encode(event.body).decode()}
        if reading is None
        else {"data": Raw(reading.payload)}
    )
    return _encoder.encode(
        CloudEvent(
            specversion="1.0",
            id=event.event_id,
            source=f"urn:telegram:bot:{event.bot_id}",
            type=TYPES + event.kind,
            time=_time(event, reading),
            subject=_subject(event),
            tgupdateid=None if event.update_id is None else str(event.update_id),
            datacontenttype="application/octet-stream" if reading is None else "application/json",
            **data,
        )
    )


def _time(event: Event, reading: Reading | None) -> str:
    seconds = event.received_at // SECOND
    if reading is not None and reading.timestamp is not None and reading.timestamp <= LAST_SECOND:
        seconds = reading.timestamp
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _subject(event: Event) -> str | None:
    if event.chat_id is not None:
        return f"chat/{event.chat_id}"
    return None if event.user_id is None else f"user/{event.user_id}"


LAYOUT = Layout(body=cloud_event, content_type="application/cloudevents+json; charset=utf-8")
