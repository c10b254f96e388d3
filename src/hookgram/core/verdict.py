"""What an answer means: one table."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import assert_never

from hookgram.core.model import HOUR, SECOND, Micros
from hookgram.core.outcome import (
    Answer,
    Failure,
    GroupAnswer,
    Outcome,
    Refusal,
    Response,
    Success,
    TransportFailure,
    Untried,
)

LONGEST_RETRY_AFTER: Micros = HOUR
ABORT = ("webhook-delivery", "abort-message")

TABLE = (
    ("any 2xx", "delivered", "success, whatever the body, even if it never ends"),
    ("header `webhook-delivery: abort-message`", "dead at once", "reason `aborted`"),
    ("410", "dead at once", "reason `gone`"),
    (
        "429, 503 with `Retry-After`",
        "tried again",
        "after what it asks, an hour at most; the whole target pauses; not counted",
    ),
    ("3xx", "tried again", "a redirect is never followed; counted"),
    ("any other status", "tried again", "counted"),
    ("no complete answer", "tried again", "time-out, reset, DNS, TLS, nonsense; counted"),
    ("cut by our stop before the first byte", "released", "as if never tried"),
    ("cut by our stop after it", "tried again", "reason `interrupted`; counted"),
)


def judge(answer: Answer, *, now: Micros) -> Outcome:
    """Say what an answer means for the delivery. *now* dates a ``Retry-After`` that is a date."""
    match answer:
        case Response():
            return _judge_response(answer, now)
        case TransportFailure(kind="interrupted", sent=False):
            return Untried()
        case TransportFailure():
            return Failure(reason=answer.kind)
        case GroupAnswer():
            return _judge_group(answer, now)
        case _:
            assert_never(answer)


def _judge_response(answer: Response, now: Micros) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Success()
    if answer.headers.get(ABORT[0], "").strip().lower() == ABORT[1]:
        return Refusal(reason="aborted")
    if status == 410:
        return Refusal(reason="gone")
    asked = _retry_after(answer.headers.get("retry-after"), now) if status in {429, 503} else None
    return Failure(reason=f"http_{status}", retry_after=asked)


def _judge_group(answer: GroupAnswer, now: Micros) -> Outcome:
    outcomes = [(member.name, judge(member.answer, now=now)) for member in answer.members]
    failed = [(name, outcome) for name, outcome in outcomes if not isinstance(outcome, Success)]
    if not failed:
        return Success()
    if all(isinstance(outcome, Untried) for _, outcome in outcomes):
        return Untried()
    waits = [
        o.retry_after for _, o in failed if isinstance(o, Failure) and o.retry_after is not None
    ]
    name, first = failed[0]
    reason = first.reason if isinstance(first, Failure | Refusal) else "interrupted"
    return Failure(
        reason=f"{name}: {reason}",
        retry_after=max(waits) if len(waits) == len(failed) else None,
        reached=len(failed) < len(outcomes),
    )


def _retry_after(value: str | None, now: Micros) -> Micros | None:
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        wait = int(value) * SECOND
    else:
        try:
            wait = int(parsedate_to_datetime(value).timestamp()) * SECOND - now
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait, 0), LONGEST_RETRY_AFTER)
