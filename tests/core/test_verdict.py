"""What an answer means."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.model import HOUR, SECOND
from hookgram.core.outcome import (
    Failure,
    GroupAnswer,
    Member,
    Refusal,
    Response,
    Success,
    TransportFailure,
    Untried,
)
from hookgram.core.verdict import TABLE, judge, redirect_host

NOW = 1_772_040_230 * SECOND
KINDS = ["timeout", "connect", "dns", "tls", "blocked", "reset", "protocol", "internal"]


def response(status: int, **headers: str) -> Response:
    return Response(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def lost(kind, *, sent: bool = True) -> TransportFailure:
    return TransportFailure(kind=kind, detail="", sent=sent)


def verdict(answer):
    return judge(answer, now=NOW)


def http_date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(NOW // SECOND + seconds, UTC), usegmt=True)


@given(st.integers(200, 299), st.sampled_from(["abort-message", "disable"]))
def test_any_2xx_is_success_whatever_its_headers_say(status, delivery):
    assert verdict(response(status, webhook_delivery=delivery)) == Success()


@given(st.integers(100, 999).filter(lambda s: not 200 <= s < 300))
def test_no_other_status_is_success(status):
    assert isinstance(verdict(response(status)), Failure | Refusal)


def test_410_is_dead_at_once():
    assert verdict(response(410)) == Refusal(reason="gone")
    assert verdict(response(410, retry_after="5")) == Refusal(reason="gone")


@pytest.mark.parametrize("status", [302, 400, 410, 429, 500, 503])
@pytest.mark.parametrize("value", ["abort-message", " Abort-Message "])
def test_abort_message_on_anything_but_2xx_is_dead_at_once(status, value):
    answer = response(status, webhook_delivery=value, retry_after="5")
    assert verdict(answer) == Refusal(reason="aborted")


def test_another_webhook_delivery_word_changes_nothing():
    assert verdict(response(500, webhook_delivery="disable")) == Failure(reason="http_500")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("1", SECOND),
        (" 120 ", 120 * SECOND),
        ("3600", HOUR),
        ("86400", HOUR),
        ("999999999", HOUR),
        (http_date(90), 90 * SECOND),
        (http_date(90_000), HOUR),
    ],
)
def test_retry_after_is_honoured_up_to_an_hour(status, value, wait):
    assert verdict(response(status, retry_after=value)).retry_after == wait


@pytest.fixture
def far_east(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
def test_a_date_is_never_read_as_local_time(zone):
    date = http_date(90).replace("GMT", zone)
    assert verdict(response(503, retry_after=date)).retry_after == 90 * SECOND


@pytest.mark.parametrize(
    "value",
    [
        *("", "0", "-5", "1.5", "1e3", "+7", "soon", "٣", "1 2", "9" * 10, "9" * 1000),
        *("Wed, 99 Feb", http_date(0), http_date(-90), "Thu, 01 Jan 1970 00:00:00 GMT"),
    ],
)
def test_a_retry_after_that_makes_no_sense_or_asks_for_no_time_is_an_ordinary_failure(value):
    assert verdict(response(503, retry_after=value)) == Failure(reason="http_503")


@given(st.text(max_size=80))
def test_no_retry_after_can_do_more_than_pause_for_an_hour(value):
    wait = verdict(response(429, retry_after=value)).retry_after
    assert wait is None or 0 < wait <= HOUR


@given(st.from_regex(r"\w{3}, [0-9]{1,5} \w{3} [0-9]{1,5} [0-9:]{1,9} ?[-+]?\w{0,5}"))
def test_nothing_like_a_date_makes_it_raise(value):
    verdict(response(429, retry_after=value))


@pytest.mark.parametrize("status", [301, 400, 404, 408, 425, 500, 502, 504])
def test_retry_after_counts_with_429_and_503_only(status):
    assert verdict(response(status, retry_after="60")).retry_after is None


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://user:pass@other.example:8443/path?token=secret#x", "other.example:8443"),
        ("//other.example", "other.example"),
        ("http://[2001:db8::1]/", "[2001:db8::1]"),
        ("HTTPS://OTHER.example/", "other.example"),
    ],
)
def test_a_redirect_is_a_failure_that_names_the_host_and_nothing_else(status, location, place):
    reason = f"redirect {status} to {place}"
    assert verdict(response(status, location=location)) == Failure(reason=reason)


@pytest.mark.parametrize(
    "location", ["", "/elsewhere?token=secret", "http://[broken", "http://a:b/", "//:80", "//é/"]
)
def test_a_redirect_to_no_host_is_a_plain_failure(location):
    assert verdict(response(302, location=location)) == Failure(reason="http_302")


@given(st.text())
def test_a_location_never_makes_it_raise(location):
    place = redirect_host(location)
    assert place is None or (place.isascii() and "/" not in place and "@" not in place)


def test_a_304_is_a_plain_failure():
    assert verdict(response(304)) == Failure(reason="http_304")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sent", [True, False])
def test_no_complete_answer_is_a_failure_named_by_its_kind(kind, sent):
    assert verdict(lost(kind, sent=sent)) == Failure(reason=kind)


def test_cut_before_the_first_byte_is_untried_and_after_it_a_failure():
    assert verdict(lost("interrupted", sent=False)) == Untried()
    assert verdict(lost("interrupted", sent=True)) == Failure(reason="interrupted")


def test_our_own_exhaustion_is_not_the_targets_failure():
    assert verdict(lost("exhausted")) == Failure(reason="exhausted", retry_after=5 * SECOND)
    assert group(lost("exhausted"), OK).retry_after == 5 * SECOND


def group(*answers):
    members = tuple(Member(name=f"host-{i}", answer=answer) for i, answer in enumerate(answers))
    return verdict(GroupAnswer(members=members))


OK = response(204)
BUSY = response(429, retry_after="30")
BUSIER = response(503, retry_after="60")
BROKEN = response(500)
CUT = lost("interrupted")
UNSENT = lost("interrupted", sent=False)


def test_a_group_has_it_when_all_members_have_it():
    assert group(OK, OK, response(200)) == Success()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([OK, BROKEN], Failure(reason="host-1: http_500", reached=True)),
        ([BROKEN, lost("dns")], Failure(reason="host-0: http_500")),
        (
            [BUSY, OK, BUSIER],
            Failure(reason="host-0: http_429", retry_after=60 * SECOND, reached=True),
        ),
        ([BUSY, BUSIER], Failure(reason="host-0: http_429", retry_after=60 * SECOND)),
        ([BUSY, BROKEN], Failure(reason="host-0: http_429", at_least=30 * SECOND)),
        ([BUSY, UNSENT], Failure(reason="host-0: http_429", retry_after=30 * SECOND)),
        ([OK, response(410)], Failure(reason="host-1: gone", reached=True)),
        ([response(410), response(410)], Failure(reason="host-0: gone")),
        ([BUSY, response(410)], Failure(reason="host-0: http_429", at_least=30 * SECOND)),
        ([response(400, webhook_delivery="abort-message")], Failure(reason="host-0: aborted")),
        ([CUT, BROKEN], Failure(reason="host-1: http_500")),
        ([CUT, OK], Failure(reason="interrupted", reached=True)),
        ([UNSENT, OK], Failure(reason="interrupted", reached=True)),
        ([CUT, UNSENT], Failure(reason="interrupted")),
        ([UNSENT, UNSENT], Untried()),
    ],
)
def test_otherwise_a_group_fails_once_for_all(answers, outcome):
    assert group(*answers) == outcome


ANSWERS = st.sampled_from([OK, BUSY, BUSIER, BROKEN, CUT, UNSENT, response(410), lost("timeout")])


@given(st.lists(ANSWERS, min_size=1, max_size=6))
def test_a_group_is_never_refused_and_reached_when_some_but_not_all_have_it(answers):
    outcome = group(*answers)
    having = answers.count(OK)
    if isinstance(outcome, Failure):
        assert outcome.reached == (having > 0)
        assert having < len(answers)
    else:
        assert outcome == (Success() if having else Untried())


def test_the_table_has_a_line_for_whatever_can_happen():
    assert len({row.what for row in TABLE}) == len(TABLE)
    assert all(row.meaning and row.happens for row in TABLE)
