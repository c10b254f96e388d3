"""The numbers on the screen: the store's kept counters, and what the last seconds brought."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from hookgram.core.facts import DeliverySettled, EventAccepted, Fact
from hookgram.core.outcome import Dead, Delivered, Retry

WINDOW = 3.0
"""Seconds over which rates and latencies are told."""


class Row(Struct, frozen=True, kw_only=True):
    """A target's numbers. ``latency``: the middle one, in seconds; None when nothing came lately.

    received = delivered + dead + unsettled, but for what an administrator cancelled; *retrying*
    are those of the unsettled that have failed before.
    """

    target: str
    received: int
    delivered: int
    unsettled: int
    retrying: int
    dead: int
    rate: float
    latency: float | None


class Tape(Struct):
    """Moments of the last seconds, each with a number."""

    kept: deque[tuple[float, float]]

    def add(self, at: float, value: float) -> None:
        """Put one behind the others."""
        self.kept.append((at, value))
        self.trim(at)

    def trim(self, now: float) -> None:
        """Forget what is too old."""
        while self.kept and self.kept[0][0] < now - WINDOW:
            self.kept.popleft()

    def rate(self, now: float, since: float) -> float:
        """Tell how many came in a second, lately; *since*: when it all began."""
        self.trim(now)
        return len(self.kept) / min(max(now - since, 1.0), WINDOW)

    def middle(self) -> float | None:
        """Tell the median of the numbers."""
        return median(value for _, value in self.kept) if self.kept else None


class Board:
    """Is told facts (it is a ``Notice``) and says what stands on the screen."""

    def __init__(self, targets: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._targets = targets
        self._clock = clock
        self._began = clock()
        self._delivered: dict[str, Tape] = defaultdict(lambda: Tape(deque()))
        self._accepted = Tape(deque())
        self._retrying: dict[str, set[int]] = defaultdict(set)
        self.first_delivery: float | None = None
        """Seconds from the start to the first delivery."""
        self.dead_letter: int | None = None
        """The newest dead letter's id."""

    def __call__(self, fact: Fact) -> None:
        """Take a fact; the rest of them is not for this screen."""
        now = self._clock()
        if isinstance(fact, EventAccepted):
            self._accepted.add(now, 0.0)
        elif isinstance(fact, DeliverySettled):
            self._settled(fact, now)

    def _settled(self, fact: DeliverySettled, now: float) -> None:
        retrying = self._retrying[fact.target]
        match fact.settlement:
            case Retry():
                retrying.add(fact.delivery_id)
            case Delivered():
                retrying.discard(fact.delivery_id)
                self._delivered[fact.target].add(now, fact.latency / 1_000_000)
                if self.first_delivery is None:
                    self.first_delivery = now - self._began
            case Dead():
                retrying.discard(fact.delivery_id)
                self.dead_letter = fact.delivery_id

    def accepting(self) -> float:
        """Tell how many updates a second are taken, lately."""
        return self._accepted.rate(self._clock(), self._began)

    def rows(self, counts: Mapping[tuple[str, str], int]) -> list[Row]:
        """Say each target's numbers; *counts* as ``Journal.counts`` returns them."""
        return [self._row(name, counts) for name in self._targets]

    def _row(self, name: str, counts: Mapping[tuple[str, str], int]) -> Row:
        created, delivered, dead, cancelled, purged = (
            counts.get((name, word), 0)
            for word in ("created", "delivered", "dead", "cancelled", "purged")
        )
        tape = self._delivered[name]
        unsettled = created - delivered - dead - cancelled
        return Row(
            target=name,
            received=created,
            delivered=delivered,
            unsettled=unsettled,
            retrying=min(len(self._retrying[name]), unsettled),
            dead=dead - purged,
            rate=tape.rate(self._clock(), self._began),
            latency=tape.middle(),
        )
