"""The way out, to one target."""

from __future__ import annotations

from typing import Protocol

from hookgram.core.outcome import Answer, Outbound


class Channel(Protocol):
    """One way out, to one target."""

    async def send(self, outbound: Outbound) -> Answer:
        """Try once within the deadline. What the target does is an Answer, never an exception."""
        ...

    def interrupt(self) -> None:
        """Cut what is in the air: every send under way returns an ``interrupted`` failure now.

        Its ``sent`` tells whether the first byte of the request had left. A send whose answer's
        status line and headers are complete returns that answer instead.
        """
        ...

    async def close(self) -> None:
        """Close idle connections; no send is under way."""
        ...
