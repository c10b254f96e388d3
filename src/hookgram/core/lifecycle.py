"""The life of a delivery: the only place where its fate is decided."""

from __future__ import annotations

from typing import assert_never

from hookgram.core.kinds import is_interactive
from hookgram.core.model import Claim, Micros
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
    best_before: Micros | None = None,
) -> Settlement:
    """Decide what becomes of a delivery after a try.

    *failures* were counted before it. A wait that the target asked for is not counted. One that is
    older than the policy allows is dead, ``too_old``; one that is no use after *best_before* is
    dead, ``expired``; one whose failures are used up is dead for the reason of the last.
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
    given_up = why_not(created_at=created_at, best_before=best_before, now=now, policy=policy)
    if given_up is not None:
        return Dead(reason=given_up, failures=counted)
    return Retry(wait=wait or 0, failures=counted, reason=reason)


def why_not(
    *, created_at: Micros, best_before: Micros | None, now: Micros, policy: RetryPolicy
) -> str | None:
    """Return why a delivery is not to be tried (again): too old, or no use; None: it is."""
    if now - created_at > policy.max_age:
        return "too_old"
    if best_before is not None and now >= best_before:
        return "expired"
    return None


def best_before(claim: Claim, *, skip_expired: bool) -> Micros | None:
    """Return the moment from which a delivery is no use to a target that skips what expired.

    Only what somebody waits for expires: queries, whose answer Telegram refuses later. A replay
    never does: it was asked for.
    """
    perishable = skip_expired and claim.replay_of is None and is_interactive(claim.event.kind)
    return claim.event.expires_at if perishable else None
