"""Leaves a target alone that fails again and again: closed, open, one probe, a slow start.

    closed ──failures in a row──▶ open ──its wait ends──▶ probing ──success──▶ slow start ──▶ closed
                                    ▲                        │
                                    └──── twice the wait ────┘

A frozen value; time is an argument. While open nothing is claimed, so nothing burns.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from hookgram.core.model import MINUTE, SECOND, Micros
from hookgram.core.outcome import Failure, Outcome, Refusal, Success

FIRST_WAIT: Micros = 30 * SECOND
LONGEST_WAIT: Micros = 10 * MINUTE


class Breaker(Struct, frozen=True, kw_only=True, gc=False):
    """``limit`` failures in a row open it; 0 switches it off."""

    limit: int
    failures: int = 0
    open_until: Micros | None = None
    wait: Micros = FIRST_WAIT
    opened_at: Micros = 0
    ramp: int | None = None
    """Slots allowed during the slow start; None: all."""

    @property
    def is_open(self) -> bool:
        """Whether the target is left alone, or only probed."""
        return self.open_until is not None

    @property
    def is_closed(self) -> bool:
        """Whether all slots are the target's: neither open nor in its slow start."""
        return self.open_until is None and self.ramp is None


def permits(breaker: Breaker, *, now: Micros, slots: int, in_flight: int) -> int:
    """Return how many more attempts may start now."""
    if breaker.open_until is not None:
        return 1 if now >= breaker.open_until and in_flight == 0 else 0
    allowed = slots if breaker.ramp is None else min(slots, breaker.ramp)
    return max(allowed - in_flight, 0)


def after(
    breaker: Breaker, outcome: Outcome, *, started_at: Micros, now: Micros, slots: int
) -> Breaker:
    """Return the breaker after an attempt that began at *started_at* ended at *now*."""
    if breaker.limit == 0:
        return breaker
    match outcome:
        case Success() | Refusal() | Failure(reached=True):
            return _answered(breaker, started_at, slots)
        case Failure(retry_after=None):
            return _failed(breaker, started_at, now)
        case _:
            return breaker


def set_back(breaker: Breaker, by: Micros) -> Breaker:
    """Return the breaker for a clock set back *by* so much: its wait is as long as before."""
    until = None if breaker.open_until is None else breaker.open_until - by
    return replace(breaker, open_until=until, opened_at=breaker.opened_at - by)


def _answered(breaker: Breaker, started_at: Micros, slots: int) -> Breaker:
    if breaker.open_until is not None:
        if started_at < breaker.opened_at:
            return breaker
        return Breaker(limit=breaker.limit, ramp=1)
    if breaker.failures == 0 and breaker.is_closed:
        return breaker  # as it was: nearly every answer
    ramp = None if breaker.ramp is None or breaker.ramp * 2 >= slots else breaker.ramp * 2
    return replace(
        breaker, failures=0, ramp=ramp, wait=FIRST_WAIT if ramp is None else breaker.wait
    )


def _failed(breaker: Breaker, started_at: Micros, now: Micros) -> Breaker:
    if started_at < breaker.opened_at:
        return breaker
    if breaker.open_until is not None:
        wait = min(breaker.wait * 2, LONGEST_WAIT)
        return replace(breaker, open_until=now + wait, wait=wait, opened_at=now)
    failures = breaker.failures + 1
    if failures < breaker.limit:
        return replace(breaker, failures=failures)
    return replace(
        breaker, failures=failures, open_until=now + breaker.wait, opened_at=now, ramp=None
    )
