"""What a connection writes within one turn of the loop leaves in one call of the system.

The server writes the head of an answer and its body apart, uvloop sends each at once, and a call of
the system is the dearest part of a small answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

LARGE = 64 * 1024
"""Bytes that leave at once, so that the transport below can ask for a pause."""


class Together(asyncio.Transport):
    """Writes through another transport, once for each turn of the loop."""

    def __init__(self, below: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._below = below
        self._loop = loop
        self._held: list[bytes | bytearray | memoryview] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write it at the end of this turn."""
        if not self._held:
            self._loop.call_soon(self._leave)
        self._held.append(data)
        self._size += len(data)
        if self._size >= LARGE:
            self._leave()

    def send(self, data: bytes) -> None:
        """Write what is whole by itself: now, or behind what is held."""
        if self._held:
            self.write(data)
        else:
            self._below.write(data)

    def _leave(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if held and not self._below.is_closing():
            self._below.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """Close it behind what was written."""
        self._leave()
        self._below.close()

    def abort(self) -> None:
        """Close it now."""
        self._held.clear()
        self._below.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed, or about to be."""
        return self._below.is_closing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._below.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell what is known of the connection."""
        return self._below.get_extra_info(name, default)
