"""A limit that delays and loses nothing: the generic cell rate algorithm."""

from __future__ import annotations

from hookgram.core.model import MINUTE, Micros


def delay(arrival: Micros | None, *, now: Micros, per_minute: int) -> tuple[Micros, Micros]:
    """Return how long to wait, and the theoretical arrival time to remember for the next one.

    *arrival* is what was remembered last, None for the first. A whole minute's allowance may come
    at once; what comes above it conforms one interval after the other. *per_minute* is positive.
    """
    return conform(arrival, now=now, interval=MINUTE // per_minute, burst=per_minute)


def conform(
    arrival: Micros | None, *, now: Micros, interval: Micros, burst: int
) -> tuple[Micros, Micros]:
    """Return the same, where *burst* may come at once and then one each *interval*."""
    expected = now if arrival is None else max(arrival, now)
    return max(expected - interval * (burst - 1) - now, 0), expected + interval


def given_back(arrival: Micros, *, per_minute: int) -> Micros:
    """Return what to remember when one that was counted did not come in after all."""
    return arrival - MINUTE // per_minute
