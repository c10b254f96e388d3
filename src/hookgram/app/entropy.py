"""Random bytes for names, drawn from the system many at a time."""

from __future__ import annotations

import os

DRAWN = 4096


class Entropy:
    """Gives random bytes, each once.

    To ask the system is to let go of Python's lock and perhaps to wait for it behind another
    thread, so it is asked once for some hundred updates instead of for each.
    """

    def __init__(self) -> None:
        self._drawn = b""
        self._given = 0

    def __call__(self, size: int) -> bytes:
        """Return *size* bytes, at most ``DRAWN``."""
        start, end = self._given, self._given + size
        if end > len(self._drawn):
            self._drawn = os.urandom(DRAWN)
            start, end = 0, size
        self._given = end
        return self._drawn[start:end]
