"""What an answer means: one table, ``TABLE``, which the docs print and ``judge`` follows."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple, assert_never
from urllib.parse import urlsplit

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
OUR_PAUSE: Micros = 5 * SECOND
"""How long a target is left alone when it was we who could not."""


class Row(NamedTuple):
    """A line of the table: what a target answers, what that means, what happens then."""

    what: str
    meaning: str
    happens: str


_COUNTED = "tried again after the policy's wait; counts as a failure"

TABLE: tuple[Row, ...] = (
    Row("any 2xx", "the target has it", "delivered, whatever becomes of the body"),
    Row("`webhook-delivery: abort-message`, not 2xx", "never send this again", "dead: `aborted`"),
    Row("410", "the target is gone for good", "dead: `gone`"),
    Row(
        "429 or 503 with `Retry-After`",
        "not now",
        "the whole target waits as asked, an hour at most; not counted",
    ),
    Row("3xx", "it lives elsewhere: change its URL", f"never followed; {_COUNTED}"),
    Row("any other status", "it could not take it", _COUNTED),
    Row(
        "none: we had no files or memory left to ask",
        "our own trouble",
        "the target waits for 5 s; not counted",
    ),
    Row("no complete status line and headers in time", "nobody knows", _COUNTED),
    Row("cut by our stop before the first byte left", "never tried", "released, as if unclaimed"),
    Row("cut by our stop after it", "nobody knows", f"`interrupted`; {_COUNTED}"),
    Row("a group: every member 2xx", "all have it", "delivered"),
    Row(
        "a group: every member that failed asked to wait",
        "not now",
        "all are tried again after the longest wait; not counted",
    ),
    Row(
        "a group: anything else, 410 and aborts too",
        "not all have it",
        f"all: {_COUNTED}, not before the longest wait that was asked for",
    ),
)
"""Looked through from above: the first line that fits decides.

In a group, a member's ``Retry-After`` beside another member's plain failure does not make the try
uncounted: else one member that always asks to wait would keep a broken one from ever being given
up. Only a try in which *no* member answered 2xx counts for the breaker.
"""

_SECONDS = re.compile(r"[0-9]{1,9}")
_LONGEST_DATE = 64
_HOST = re.compile(r"[0-9a-z._:-]{1,253}")


def judge(answer: Answer, *, now: Micros) -> Outcome:
    """Say what an answer means for the delivery. *now* dates a ``Retry-After`` that is a date."""
    match answer:
        case Response():
            return _of_response(answer, now)
        case TransportFailure(kind="interrupted", sent=False):
            return Untried()
        case TransportFailure(kind="exhausted"):
            return Failure(reason=answer.kind, retry_after=OUR_PAUSE)
        case TransportFailure():
            return Failure(reason=answer.kind)
        case GroupAnswer():
            return _of_group(answer, now)
        case _:
            assert_never(answer)


def _of_response(answer: Response, now: Micros) -> Outcome:
    status, headers = answer.status, answer.headers
    if 200 <= status <= 299:
        return Success()
    if headers.get("webhook-delivery", "").strip().lower() == "abort-message":
        return Refusal(reason="aborted")
    if status == 410:
        return Refusal(reason="gone")
    if status in {429, 503}:
        return Failure(reason=f"http_{status}", retry_after=_wait(headers.get("retry-after"), now))
    place = redirect_host(headers.get("location", "")) if 300 <= status <= 399 else None
    return Failure(reason=f"redirect {status} to {place}" if place else f"http_{status}")


def _of_group(answer: GroupAnswer, now: Micros) -> Outcome:
    outcomes = [(member.name, judge(member.answer, now=now)) for member in answer.members]
    failed = [(name, o) for name, o in outcomes if isinstance(o, Failure | Refusal)]
    reached = any(isinstance(outcome, Success) for _, outcome in outcomes)
    if not failed:
        if all(isinstance(outcome, Success) for _, outcome in outcomes):
            return Success()
        return Failure(reason="interrupted", reached=True) if reached else Untried()
    waits = [o.retry_after if isinstance(o, Failure) else None for _, o in failed]
    asked = [wait for wait in waits if wait is not None]
    longest = max(asked, default=None)
    return Failure(
        reason=_group_reason(failed),
        retry_after=longest if len(asked) == len(failed) else None,
        at_least=longest if len(asked) < len(failed) else None,
        reached=reached,
    )


def _group_reason(failed: list[tuple[str, Failure | Refusal]]) -> str:
    """Name the first member that really failed; "interrupted" when our stop cut all the others."""
    told = [(name, o.reason) for name, o in failed if o.reason != "interrupted"]
    return f"{told[0][0]}: {told[0][1]}" if told else "interrupted"


def _wait(value: str | None, now: Micros) -> Micros | None:
    """Read a ``Retry-After``: seconds or an HTTP date, an hour at most.

    None when it is absent, makes no sense, or asks for no time at all: a target that always answers
    "503, come back at once" is an ordinary failure, not an endless loop that nobody counts.
    """
    value = (value or "").strip()
    if _SECONDS.fullmatch(value):
        wait = int(value) * SECOND
    else:
        moment = _http_date(value)
        wait = 0 if moment is None else moment - now
    return min(wait, LONGEST_RETRY_AFTER) if wait > 0 else None


def _http_date(value: str) -> Micros | None:
    if not value.isascii() or len(value) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # HTTP dates are UTC; one that names no zone must not be read as this machine's local time.
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return int(aware.timestamp()) * SECOND


def redirect_host(location: str) -> str | None:
    """Return the host (and port) a redirect points at; never its path, query or credentials.

    None when the location names no host that could be shown.
    """
    try:
        parts = urlsplit(location)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not _HOST.fullmatch(host):
        return None
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
