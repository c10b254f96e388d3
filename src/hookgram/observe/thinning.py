"""Keeps a flood of the same rejection from flooding the log: one line a second, and a count."""

from __future__ import annotations

import logging
from typing import TypeAlias

from hookgram.core.facts import IngestRejected
from hookgram.observe.lines import Line

WINDOW = 1.0
"""Seconds in which a reason gets one line."""

Key: TypeAlias = tuple[str, int, str]


class Thinning:
    """Admits one rejection per reason and window, counts the others, and tells how many."""

    def __init__(self) -> None:
        self._windows: dict[Key, tuple[float, int]] = {}

    def __len__(self) -> int:
        """Count the windows that are open."""
        return len(self._windows)

    def admits(self, fact: IngestRejected, at: float) -> bool:
        """Tell whether this one gets a line of its own; *at* in seconds."""
        key = (fact.bot, fact.status, fact.reason)
        if key in self._windows:
            began, held = self._windows[key]
            self._windows[key] = (began, held + 1)
            return False
        self._windows[key] = (at, 0)
        return True

    def close(self, at: float) -> list[Line]:
        """End the windows that are over at *at*; tell what each held back."""
        over = [key for key, (began, _) in self._windows.items() if not 0 <= at - began < WINDOW]
        held = [(key, self._windows.pop(key)[1]) for key in over]
        return [_line(key, count) for key, count in held if count]


def _line(key: Key, count: int) -> Line:
    bot, status, reason = key
    message = f"🚪 Answered {status} to {count} more posts for {bot}: {reason}"
    fields = {"bot": bot, "status": status, "reason": reason, "count": count}
    return Line(logging.WARNING, message, fields)
