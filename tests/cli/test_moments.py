"""Moments and ages as people write and read them."""

from __future__ import annotations

import pytest

from hookgram.cli.moments import ago, duration_of, iso, local, moment_of, span
from hookgram.core.model import DAY, HOUR, MINUTE, SECOND

NOW = 1_772_040_230_123_457


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *[("90s", 90 * SECOND), ("30m", 30 * MINUTE), (" 12H ", 12 * HOUR)],
        *[("7d", 7 * DAY), ("2w", 14 * DAY), ("0s", 0)],
    ],
)
def test_an_age_is_read(text, meant):
    assert duration_of(text) == meant
    assert moment_of(text, NOW) == NOW - meant


@pytest.mark.parametrize("text", ["", "h", "1", "-1h", "1.5h", "1y", "12345678901d", "1h 1m"])
def test_what_is_no_age_says_how_to_write_one(text):
    with pytest.raises(ValueError, match="write it like"):
        duration_of(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-02-25T17:23:50Z", "2026-02-25T17:23:50.000000Z"),
        ("2026-02-25T18:23:50.5+01:00", "2026-02-25T17:23:50.500000Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
    ],
)
def test_a_date_is_read_to_the_microsecond(text, meant):
    assert iso(moment_of(text, NOW)) == meant


def test_a_date_without_a_zone_is_local(monkeypatch):
    assert local(moment_of("2026-02-25", NOW)).startswith("2026-02-25 00:00:00 ")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "25.02.2026"])
def test_what_is_no_moment_says_how_to_write_one(text):
    with pytest.raises(ValueError, match="write an age"):
        moment_of(text, NOW)


def test_a_very_long_age_is_the_beginning_of_time():
    assert moment_of("999999999w", NOW) == 0


def test_a_moment_is_spelled_with_its_microseconds():
    assert iso(NOW) == "2026-02-25T17:23:50.123457Z"
    assert iso(NOW - NOW % SECOND) == "2026-02-25T17:23:50.000000Z"


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        *[(0, "now"), (SECOND - 1, "now"), (59 * SECOND, "59 s ago")],
        *[(90 * SECOND, "1 min ago"), (-5 * HOUR, "in 5 h"), (3 * DAY, "3 d ago")],
    ],
)
def test_a_moment_is_told_as_it_stands_to_now(apart, said):
    assert ago(NOW - apart, NOW) == said


def test_short_spans_are_milliseconds():
    assert [span(d) for d in (0, 999, 1_500, SECOND)] == ["0 ms", "0 ms", "1 ms", "1 s"]
