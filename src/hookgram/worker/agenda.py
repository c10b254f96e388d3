"""When which target is looked at next: those woken, and those whose time will come."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from hookgram.core.model import Micros


class Agenda:
    """Target ids to look at now, and moments at which others join them."""

    def __init__(self) -> None:
        self._now: set[int] = set()
        self._later: list[tuple[Micros, int]] = []
        self._next: dict[int, Micros] = {}

    def add(self, target_ids: Iterable[int]) -> None:
        """Look at these at once."""
        self._now.update(target_ids)

    def at(self, moment: Micros, target_id: int) -> None:
        """Look at the target at *moment*, or earlier if an earlier one is known already."""
        known = self._next.get(target_id)
        if known is None or moment < known:
            self._next[target_id] = moment
            heapq.heappush(self._later, (moment, target_id))

    def take(self, now: Micros) -> set[int]:
        """Return those to look at now and forget them."""
        while self._later and self._later[0][0] <= now:
            moment, target_id = heapq.heappop(self._later)
            if self._next.get(target_id) == moment:
                del self._next[target_id]
                self._now.add(target_id)
        taken, self._now = self._now, set()
        return taken

    def rest(self, now: Micros, longest: Micros) -> Micros:
        """Return how long nothing is to be looked at, *longest* at most."""
        if self._now:
            return 0
        if not self._later:
            return longest
        return min(max(self._later[0][0] - now, 0), longest)
