"""What makes a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from hookgram.core.definition import Definition
from hookgram.core.model import Event, Micros


def no_headers(_: Definition) -> Mapping[str, str]:
    """Return the headers of a format that has none of its own."""
    return {}


class Layout(Struct, frozen=True, kw_only=True):
    """One format: its body, its content type, and what else it asks for.

    ``body`` must give the same bytes for the same event, at every attempt. ``timeout`` is the
    deadline of an attempt where the target sets none; None: the gateway's own.
    """

    body: Callable[[Event], bytes]
    content_type: str
    headers: Callable[[Definition], Mapping[str, str]] = no_headers
    timeout: Micros | None = None
