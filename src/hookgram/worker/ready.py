"""Claims in hand that wait for a slot."""

from __future__ import annotations

import math
from collections import deque

from msgspec import Struct

from hookgram.core.model import SECOND, Claim, Micros


class InHand(Struct, frozen=True, gc=False):
    """A claim, and when it came to us on the machine's monotonic clock, in seconds.

    ``urgent``: somebody waits for it.
    """

    claim: Claim
    at: float
    urgent: bool

    def now(self, at: float) -> Micros:
        """Return the store's moment, carried on by our clock to *at*.

        Leases and ages are judged by nothing else.
        """
        return self.claim.claimed_at + int((at - self.at) * SECOND)

    @property
    def until(self) -> float:
        """When its lease ends, by our clock: it began with the claim."""
        return self.at + (self.claim.leased_until - self.claim.claimed_at) / SECOND


class Ready:
    """What is ready goes in the order it came, but what somebody waits for goes first.

    ``count`` tells how many they are; it is looked at several times for every delivery.
    """

    __slots__ = ("_others", "_urgent", "count")

    def __init__(self) -> None:
        self.count = 0
        self._urgent: deque[InHand] = deque()
        self._others: deque[InHand] = deque()

    def add(self, taken: InHand) -> None:
        """Have it wait."""
        (self._urgent if taken.urgent else self._others).append(taken)
        self.count += 1

    def take(self, *, since: float, limit: int, others: int) -> list[InHand]:
        """Return the next that came at *since* or later, and forget them.

        At most *limit*, and at most *others* that are not urgent.
        """
        taken: list[InHand] = []
        if self._urgent:
            taken = _first(self._urgent, since, limit)
        if self._others:
            taken += _first(self._others, since, min(others, limit - len(taken)))
        self.count -= len(taken)
        return taken

    def take_all(self) -> list[InHand]:
        """Return all and forget them."""
        return self.take_before(math.inf)

    def take_before(self, at: float) -> list[InHand]:
        """Return those that came before *at* and forget them."""
        taken = []
        for waiting in (self._urgent, self._others):
            while waiting and waiting[0].at < at:
                taken.append(waiting.popleft())
        self.count -= len(taken)
        return taken


def _first(waiting: deque[InHand], since: float, most: int) -> list[InHand]:
    taken: list[InHand] = []
    while waiting and len(taken) < most and waiting[0].at >= since:
        taken.append(waiting.popleft())
    return taken
