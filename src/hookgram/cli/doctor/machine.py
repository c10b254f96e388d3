"""What this machine or container is: its platform's variables and its limit of memory."""

from __future__ import annotations

import os
from pathlib import Path

from hookgram.core.doctor.platform import PlatformFacts, draining_of, platform_of

MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of control groups, version 2 and 1."""
NO_LIMIT = 2**60
"""Version 1 says "no limit" by a very large number."""


def look() -> PlatformFacts:
    """Look around."""
    container = any(mark.exists() for mark in MARKS)
    return PlatformFacts(
        platform=platform_of(os.environ, container=container),
        memory=memory_limit(LIMITS),
        draining=draining_of(os.environ),
    )


def memory_limit(places: tuple[Path, ...]) -> int | None:
    """Return the limit of memory in bytes; None if there is none."""
    for place in places:
        try:
            text = place.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        return int(text) if text.isdecimal() and int(text) < NO_LIMIT else None
    return None
