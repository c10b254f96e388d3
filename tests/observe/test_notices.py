"""Facts reach every listener, and none harms another."""

from __future__ import annotations

from hookgram.core.facts import StoreRecovered, TaskFailed
from hookgram.observe.notices import fan


def test_a_listener_that_fails_harms_nobody_and_is_told_of():
    first, last = [], []

    def broken(fact):
        raise ValueError("no")

    notice = fan(first.append, broken, last.append)
    notice(StoreRecovered())
    assert last == [StoreRecovered()]
    assert first[0] == StoreRecovered()
    assert isinstance(first[1], TaskFailed)
    assert "ValueError: no" in first[1].error
