"""The updates that wait at the simulated Telegram for somebody who polls."""

from __future__ import annotations

import asyncio
from contextlib import suppress

OTHER = "other getUpdates request; make sure that only one bot instance is running"


class Terminated(Exception):
    """A long poll was cut by another request, which its text names."""


class Waiting:
    """One bot's updates in their order, each with its id; what is confirmed is gone.

    ``polls`` counts the polls under way. A second one that waits cuts the first, as Telegram does.
    """

    def __init__(self) -> None:
        self.polls = 0
        self.most_polls = 0
        """The most at any one time."""
        self.confirmed: list[int] = []
        self._updates: list[tuple[int, bytes]] = []
        self._poll: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._updates)

    def add(self, update_id: int, update: bytes) -> None:
        """Have an update wait."""
        self._updates.append((update_id, update))
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def confirm(self, offset: int) -> None:
        """Let go what comes before *offset*."""
        self.confirmed += [number for number, _ in self._updates if number < offset]
        self._updates = [one for one in self._updates if one[0] >= offset]

    def first(self, limit: int) -> list[bytes]:
        """Return the oldest that wait."""
        return [update for _, update in self._updates[:limit]]

    async def for_any(self, seconds: float) -> None:
        """Wait so long at most for an update. Raises Terminated when another request cuts in."""
        self.terminate(OTHER)
        if self._updates:
            return
        self._poll = poll = asyncio.get_running_loop().create_future()
        self.polls += 1
        self.most_polls = max(self.most_polls, self.polls)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await poll
        finally:
            self.polls -= 1

    def terminate(self, by: str) -> None:
        """Cut the poll that waits, if one does."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(Terminated(by))
        self._poll = None
