"""A line is spelled with its moment."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hookgram.observe.lines import Line
from hookgram.observe.rendering import style_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 4_000_000_000_000))
def test_a_line_tells_its_moment_to_the_millisecond_in_utc(milliseconds: int) -> None:
    at = milliseconds / 1000 + 0.0001  # no float is quite that millisecond
    spelled = style_of("json", (), terminal=False).bare(Line(logging.INFO, "words", {}), at)
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    expected = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert json.loads(spelled) == {"ts": expected, "level": "info", "message": "words"}
