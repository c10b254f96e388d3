"""A target that fails again and again is left alone, probed, and comes back slowly."""

from __future__ import annotations

import pytest

from hookgram.core.breaker import FIRST_WAIT, LONGEST_WAIT, Breaker, after, permits, set_back
from hookgram.core.model import SECOND
from hookgram.core.outcome import Failure, Success

FAILED = Failure(reason="http_500")
SLOTS = 8


def failing(times, breaker, *, now=0):
    for _ in range(times):
        breaker = after(breaker, FAILED, started_at=now, now=now, slots=SLOTS)
    return breaker


def opened(now=0):
    return failing(3, Breaker(limit=3), now=now)


def allowed(breaker, now, in_flight=0):
    return permits(breaker, now=now, slots=SLOTS, in_flight=in_flight)


def test_it_opens_at_the_limit_and_not_before():
    assert allowed(failing(2, Breaker(limit=3)), 0) == SLOTS
    assert allowed(opened(), 0) == 0


def test_a_success_in_between_starts_the_count_again():
    breaker = failing(2, Breaker(limit=3))
    breaker = after(breaker, Success(), started_at=0, now=0, slots=SLOTS)
    assert not failing(2, breaker).is_open


def test_an_answer_that_changes_nothing_leaves_the_same_breaker():
    breaker = Breaker(limit=3)
    assert after(breaker, Success(), started_at=0, now=0, slots=SLOTS) is breaker


def test_one_probe_when_the_wait_is_over():
    breaker = opened()
    assert allowed(breaker, FIRST_WAIT - 1) == 0
    assert allowed(breaker, FIRST_WAIT) == 1
    assert allowed(breaker, FIRST_WAIT, in_flight=1) == 0


def test_a_failed_probe_doubles_the_wait_up_to_ten_minutes():
    breaker, now = opened(), 0
    waits = []
    for _ in range(7):
        now = breaker.open_until
        breaker = after(breaker, FAILED, started_at=now, now=now, slots=SLOTS)
        waits.append(breaker.open_until - now)
    assert waits[:4] == [60 * SECOND, 120 * SECOND, 240 * SECOND, 480 * SECOND]
    assert waits[-1] == LONGEST_WAIT


def test_a_probe_that_succeeds_begins_a_slow_start():
    breaker = opened()
    grown = []
    for _ in range(5):
        breaker = after(breaker, Success(), started_at=FIRST_WAIT, now=FIRST_WAIT, slots=SLOTS)
        grown.append(allowed(breaker, FIRST_WAIT))
    assert grown == [1, 2, 4, SLOTS, SLOTS]


def test_what_was_in_the_air_when_it_opened_does_not_open_it_again():
    breaker = opened(now=10)
    late = after(breaker, FAILED, started_at=5, now=20, slots=SLOTS)
    assert late == breaker
    assert after(breaker, Success(), started_at=5, now=20, slots=SLOTS) == breaker


@pytest.mark.parametrize(
    "outcome",
    [Failure(reason="http_429", retry_after=SECOND), Failure(reason="http_500", reached=True)],
)
def test_a_wait_that_was_asked_for_and_a_group_that_was_reached_do_not_count(outcome):
    breaker = Breaker(limit=1)
    assert not after(breaker, outcome, started_at=0, now=0, slots=SLOTS).is_open


def test_a_clock_that_is_set_back_leaves_its_wait_as_it_was():
    breaker = set_back(opened(now=10 * SECOND), by=8 * SECOND)
    assert allowed(breaker, 2 * SECOND + FIRST_WAIT - 1) == 0
    assert allowed(breaker, 2 * SECOND + FIRST_WAIT) == 1
    late = after(breaker, FAILED, started_at=SECOND, now=3 * SECOND, slots=SLOTS)
    assert late == breaker
    assert set_back(Breaker(limit=1), by=SECOND).open_until is None


def test_zero_switches_it_off():
    assert not failing(100, Breaker(limit=0)).is_open
