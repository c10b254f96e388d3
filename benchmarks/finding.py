"""What a row found: a number of ours, the limit measured beside it, what was asked, held or not."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from statistics import median
from typing import Literal

from msgspec import Struct

Measure = Literal["value", "ratio", "difference"]
"""What is compared with what was asked: ours itself, or against the limit of the same round."""

_AGAINST: dict[Measure, Callable[[float, float], float]] = {
    "value": lambda ours, _: ours,
    "ratio": operator.truediv,
    "difference": operator.sub,
}


class Bound(Struct, frozen=True):
    """What is asked for: so much at least, or at most."""

    sense: Literal["at least", "at most"]
    value: float

    def holds(self, measured: float) -> bool:
        """Tell whether a measured number satisfies it."""
        if self.sense == "at least":
            return measured >= self.value
        return measured <= self.value


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the table. Every number is the median of the rounds."""

    row: str
    what: str
    unit: str
    ours: float
    limit: float | None
    limit_is: str
    measure: Measure
    measured: float
    """The median of the rounds' own values, ratios or differences."""
    asked: Bound
    held: bool


def at_least(value: float) -> Bound:
    """Ask for so much or more."""
    return Bound("at least", value)


def at_most(value: float) -> Bound:
    """Ask for so much or less."""
    return Bound("at most", value)


def found(
    row: str,
    what: str,
    unit: str,
    asked: Bound,
    *rounds: Sequence[float],
    measure: Measure = "value",
    limit_is: str = "",
) -> Finding:
    """Sum up the rounds: our numbers and, where there is a limit, its numbers beside them."""
    ours, limits = rounds if len(rounds) == 2 else (rounds[0], ())
    beside = limits or [0.0] * len(ours)
    measured = median(map(_AGAINST[measure], ours, beside))
    return Finding(
        row=row,
        what=what,
        unit=unit,
        ours=median(ours),
        limit=median(limits) if limits else None,
        limit_is=limit_is,
        measure=measure,
        measured=measured,
        asked=asked,
        held=asked.holds(measured),
    )
