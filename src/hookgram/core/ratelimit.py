"""A limit that delays and loses nothing: the generic cell rate algorithm, with a minute's burst."""

from __future__ import annotations

from hookgram.core.model import MINUTE, Micros


def delay(arrival: Micros | None, *, now: Micros, per_minute: int) -> tuple[Micros, Micros]:
    """Return how long to wait, and the theoretical arrival time to remember for the next one.

    *arrival* is what was remembered last, None for the first. A whole minute's allowance may come
    at once; what comes above it conforms one interval after the other. *per_minute* is positive.
    """
    interval = MINUTE // per_minute
    expected = now if arrival is None else max(arrival, now)
    burst = interval * (per_minute - 1)
    return max(expected - burst - now, 0), expected + interval


def given_back(arrival: Micros, *, per_minute: int) -> Micros:
    """Return what to remember when one that was counted did not come in after all."""
    return arrival - MINUTE // per_minute
