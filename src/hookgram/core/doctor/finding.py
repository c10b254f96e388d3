"""Findings, and the table of all there are: its codes are stable, the documentation prints it."""

from __future__ import annotations

from msgspec import Struct

from hookgram.core.doctor import inside, outside
from hookgram.core.doctor.kind import Kind, Level

KINDS: dict[str, Kind] = {
    **inside.SETTINGS,
    **inside.STORE,
    **outside.CLOCK,
    **outside.TELEGRAM,
    **outside.TARGETS,
    **inside.PLATFORM,
    **inside.DOCTOR,
}


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found. ``subject``: which setting or target it concerns, else empty."""

    code: str
    area: str
    level: Level
    subject: str
    sentence: str
    remedy: str


def found(code: str, sentence: str, *, subject: str = "", remedy: str | None = None) -> Finding:
    """Make a finding; *remedy* replaces the general one where more is known."""
    kind = KINDS[code]
    return Finding(
        code=code,
        area=kind.area,
        level=kind.level,
        subject=subject,
        sentence=sentence,
        remedy=kind.remedy if remedy is None else remedy,
    )
