"""Claims in hand that wait for a slot."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from hookgram.core.kinds import is_interactive
from hookgram.core.model import SECOND, Claim, Micros


class Taken(NamedTuple):
    """A claim, and when it came to us on the machine's monotonic clock, in seconds."""

    claim: Claim
    at: float

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
    """What is ready goes in the order it came, but what somebody waits for goes first."""

    __slots__ = ("_others", "_urgent")

    def __init__(self) -> None:
        self._urgent: deque[Taken] = deque()
        self._others: deque[Taken] = deque()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)

    def add(self, taken: Taken) -> None:
        """Have it wait."""
        urgent = is_interactive(taken.claim.event.kind)
        (self._urgent if urgent else self._others).append(taken)

    def pop(self, *, since: float, others: bool) -> Taken | None:
        """Return the next that came at *since* or later, and forget it.

        One that is not interactive is returned only if *others* may go.
        """
        for waiting in (self._urgent, self._others) if others else (self._urgent,):
            if waiting and waiting[0].at >= since:
                return waiting.popleft()
        return None

    def take_all(self) -> list[Taken]:
        """Return all and forget them."""
        return self.take_before(math.inf)

    def take_before(self, at: float) -> list[Taken]:
        """Return those that came before *at* and forget them."""
        taken = []
        for waiting in (self._urgent, self._others):
            while waiting and waiting[0].at < at:
                taken.append(waiting.popleft())
        return taken
