"""Moments and ages as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hookgram.core.model import DAY, HOUR, MINUTE, SECOND, Micros

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_AGE = re.compile(r"(\d{1,9})\s*([smhdw])")


def duration_of(text: str) -> Micros:
    """Read ``90s``, ``30m``, ``12h``, ``7d`` or ``2w``. Raises ValueError."""
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no age; write it like 90s, 30m, 12h, 7d or 2w")
    return int(match[1]) * _UNITS[match[2]]


def moment_of(text: str, now: Micros) -> Micros:
    """Read an age (that long ago) or a date, local unless it says otherwise. Raises ValueError."""
    if _AGE.fullmatch(text.strip().lower()):
        return max(0, now - duration_of(text))
    try:
        moment = datetime.fromisoformat(text.strip())
        return int(moment.replace(microsecond=0).timestamp()) * SECOND + moment.microsecond
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            f"{text!r} is no moment; write an age like 30m, 12h or 7d, or a date like "
            "2026-02-25, 2026-02-25T14:30 or 2026-02-25T14:30:00Z"
        ) from error


def iso(moment: Micros) -> str:
    """Spell a moment in ISO 8601, UTC, with its microseconds."""
    seconds, micros = divmod(moment, SECOND)
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def local(moment: Micros) -> str:
    """Spell a moment in this machine's time, to the second."""
    return datetime.fromtimestamp(moment // SECOND).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def ago(moment: Micros, now: Micros) -> str:
    """Spell a moment as it stands to *now*: ``3 min ago``, ``in 2 h``."""
    apart = now - moment
    if abs(apart) < SECOND:
        return "now"
    return f"{span(apart)} ago" if apart > 0 else f"in {span(-apart)}"


def span(duration: Micros) -> str:
    """Spell a duration by its largest unit."""
    for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if duration >= unit:
            return f"{duration // unit} {word}"
    return f"{duration // 1_000} ms"
