"""What a target can receive: each format is a file here, and a line in this table."""

from __future__ import annotations

from hookgram.core.definition import Format
from hookgram.core.formats import cloudevents, event, update
from hookgram.core.formats.layout import Layout

LAYOUTS: dict[Format, Layout] = {
    Format.EVENT: event.LAYOUT,
    Format.UPDATE: update.LAYOUT,
    Format.CLOUDEVENTS: cloudevents.LAYOUT,
}
