"""The life of a delivery: the only place where its fate is decided."""

from __future__ import annotations

from typing import assert_never

from hookgram.core.model import Micros
from hookgram.core.outcome import (
    Dead,
    Delivered,
    Failure,
    Outcome,
    Refusal,
    Released,
    Retry,
    Settlement,
    Success,
    Untried,
)
from hookgram.core.retry import RetryPolicy


def settle(
    outcome: Outcome,
    *,
    failures: int,
    created_at: Micros,
    now: Micros,
    policy: RetryPolicy,
    dice: float,
) -> Settlement:
    """Decide what becomes of a delivery after a try.

    *failures* were counted before it. A wait that the target asked for is not counted. One that is
    older than the policy allows is dead, ``too_old``; one whose failures are used up is dead for
    the reason of the last.
    """
    match outcome:
        case Success():
            return Delivered()
        case Refusal(reason=reason):
            return Dead(reason=reason, failures=failures)
        case Untried():
            return Released()
        case Failure(reason=reason, retry_after=None, at_least=least):
            counted = failures + 1
            wait = policy.wait_after(counted, dice=dice)
            if wait is None:
                return Dead(reason=reason, failures=counted)
            wait = max(wait, least or 0)
        case Failure(reason=reason, retry_after=asked):
            counted, wait = failures, asked
        case _:
            assert_never(outcome)
    if stale(created_at, now, policy):
        return Dead(reason="too_old", failures=counted)
    return Retry(wait=wait or 0, failures=counted, reason=reason)


def stale(created_at: Micros, now: Micros, policy: RetryPolicy) -> bool:
    """Tell whether a delivery is too old to be tried (again)."""
    return now - created_at > policy.max_age
