"""When to try again: a list of waits with a spread. The dice are an argument."""

from __future__ import annotations

from msgspec import Struct

SECOND = 1_000_000
LONGEST_WAIT = 3_600 * SECOND


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """Waits after the first, second, … failure, in microseconds; the list's end is the end.

    A wait is stretched by 1.0 to 1.0 + ``spread`` by chance and never exceeds an hour. A delivery
    older than ``max_age`` (microseconds) is given up whatever the list says.
    """

    waits: tuple[int, ...]
    max_age: int
    spread: float = 0.25

    @classmethod
    def doubling(cls, *, base: float, retries: int, max_age: int) -> RetryPolicy:
        """Wait *base* seconds, then twice that, and so on, *retries* times, an hour at most."""
        waits, wait = [], base * SECOND
        for _ in range(retries):
            waits.append(int(min(wait, LONGEST_WAIT)))
            wait = min(wait * 2, LONGEST_WAIT)
        return cls(waits=tuple(waits), max_age=max_age)

    def wait_after(self, failures: int, *, dice: float) -> int | None:
        """Return the wait after so many counted failures, or None when the list has run out.

        *failures* includes the one just counted (1, 2, …); *dice* is in [0, 1).
        """
        if failures > len(self.waits):
            return None
        wait = self.waits[failures - 1]
        return min(int(wait * (1 + self.spread * dice)), LONGEST_WAIT)
