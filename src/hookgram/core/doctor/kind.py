"""What a finding is: its level, its kind, and the words for it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How much a finding matters. Only a problem makes the doctor say no."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


class Kind(NamedTuple):
    """One kind of finding: its area, its level, what it means, what to do."""

    area: str
    level: Level
    means: str
    remedy: str = ""
