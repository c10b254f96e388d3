"""A loop that stands still ends the process; a frozen process that wakes up does not."""

from __future__ import annotations

import queue
import time

from hookgram.observe import watchdog
from hookgram.observe.watchdog import EXIT_CODE, Watchdog


def watch(turns, *, notice=None, flush=None, limit=0.02):
    ends = queue.SimpleQueue()
    dog = Watchdog(
        turns, notice or (lambda fact: None), flush or (lambda: None), limit=limit, end=ends.put
    )
    return dog, ends


def test_a_loop_that_stands_still_ends_the_process_after_saying_so():
    told = []
    dog, ends = watch(
        {"worker": lambda: 0.0, "caretaker": time.monotonic},
        notice=lambda fact: told.append(fact.error),
        flush=lambda: told.append("flushed"),
    )
    with dog:
        assert ends.get(timeout=5) == EXIT_CODE
    assert told[0].startswith("worker stood still")
    assert told[1] == "flushed"


def test_the_process_ends_even_if_saying_so_fails(monkeypatch):
    def fail(fact):
        raise OSError("no log")

    monkeypatch.setattr("threading.excepthook", lambda _: None)
    dog, ends = watch({"worker": lambda: 0.0}, notice=fail)
    with dog:
        assert ends.get(timeout=5) == EXIT_CODE


def test_loops_that_turn_end_nothing():
    dog, ends = watch({"worker": time.monotonic}, limit=5)
    with dog:
        assert dog.stalled() == []
        assert ends.empty()


def test_readiness_is_told_which_loop_stands_still():
    dog, _ = watch({"worker": lambda: time.monotonic() - 31, "caretaker": time.monotonic})
    assert dog.stalled() == ["worker"]
    assert dog.stalled(60) == []


class Clock:
    """Monotonic time of a process: frozen once for an hour, then going on."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Pauses:
    """Stands in for the waiting between two looks: each wait takes what the list says."""

    def __init__(self, clock, waits):
        self.clock, self.waits = clock, list(waits)

    def wait(self, _):
        if not self.waits:
            return True
        self.clock.now += self.waits.pop(0)
        return False


def looked(monkeypatch, waits, turn):
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    dog, ends = watch({"worker": lambda: turn(clock)}, limit=120)
    dog._stop = Pauses(clock, waits)
    dog._watch()
    return not ends.empty()


def test_a_process_that_was_frozen_gives_its_loops_their_turn_first(monkeypatch):
    awake = 1000.0 + 3600

    def turns_again_later(clock):
        return clock.now if clock.now > awake else 1000.0

    assert not looked(monkeypatch, [3600, 5, 5], turns_again_later)


def test_a_loop_that_does_not_wake_up_with_the_process_ends_it(monkeypatch):
    assert looked(monkeypatch, [3600, 5], lambda _: 1000.0)
