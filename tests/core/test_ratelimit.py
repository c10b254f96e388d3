from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.model import MINUTE, SECOND
from hookgram.core.ratelimit import delay, given_back

NOW = 1_772_040_230_000_000


def delays(moments: list[int], per_minute: int) -> list[int]:
    arrival, found = None, []
    for moment in moments:
        wait, arrival = delay(arrival, now=moment, per_minute=per_minute)
        found.append(wait)
    return found


def test_a_minutes_allowance_may_come_at_once() -> None:
    assert delays([NOW] * 30, 30) == [0] * 30


def test_what_comes_above_it_conforms_one_interval_after_the_other() -> None:
    assert delays([NOW] * 33, 30)[30:] == [2 * SECOND, 4 * SECOND, 6 * SECOND]


def test_the_allowance_comes_back_with_time() -> None:
    burst, later = [NOW] * 30, [NOW + 10 * SECOND] * 6
    assert delays(burst + later, 30)[30:] == [0] * 5 + [2 * SECOND]


def test_a_quiet_chat_saves_up_no_more_than_a_minutes_allowance() -> None:
    assert delays([NOW] + [NOW + 60 * MINUTE] * 31, 30)[1:] == [0] * 30 + [2 * SECOND]


def test_a_steady_rate_within_the_limit_never_waits() -> None:
    assert set(delays([NOW + n * 2 * SECOND for n in range(300)], 30)) == {0}


def test_one_a_minute_is_a_limit_too() -> None:
    assert delays([NOW, NOW, NOW], 1) == [0, MINUTE, 2 * MINUTE]


def test_what_is_given_back_was_never_counted() -> None:
    arrival = None
    for _ in range(30):
        _, arrival = delay(arrival, now=NOW, per_minute=30)
    assert arrival is not None
    returned = given_back(arrival, per_minute=30)
    assert delay(returned, now=NOW, per_minute=30) == (0, arrival)


@given(
    steps=st.lists(st.integers(0, MINUTE), max_size=200),
    per_minute=st.integers(1, 100),
)
def test_what_is_due_never_exceeds_the_rate_nor_overtakes(
    steps: list[int], per_minute: int
) -> None:
    moments, now = [], NOW
    for step in steps:
        now += step
        moments.append(now)
    due = [moment + wait for moment, wait in zip(moments, delays(moments, per_minute), strict=True)]
    assert due == sorted(due)
    interval = MINUTE // per_minute
    # Any n + k deliveries, where n is the burst, take at least k intervals.
    for first, later in zip(due, due[per_minute:], strict=False):
        assert later - first >= interval
