"""Sizes, spans and lists as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.model import DAY, HOUR, MINUTE, SECOND, Micros

MILLISECOND: Micros = 1_000
MIB = 1024 * 1024
GIB = 1024 * MIB
LONGEST_LIST = 6


def size(number: int) -> str:
    """Say a number of bytes."""
    if number >= GIB:
        return f"{number / GIB:.1f} GiB"
    if number >= MIB:
        return f"{number / MIB:.0f} MiB"
    return f"{number / 1024:.0f} KiB"


def span(time: Micros) -> str:
    """Say a length of time in its largest whole unit."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        if time >= unit:
            count = time // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "a moment"


def some(names: Sequence[str]) -> str:
    """List the first few names."""
    shown = ", ".join(names[:LONGEST_LIST])
    more = len(names) - LONGEST_LIST
    return f"{shown} and {more} more" if more > 0 else shown
