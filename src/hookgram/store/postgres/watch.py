"""Notices what other replicas commit.

Twice a second it reads two numbers: the version of the book of targets and chats, and the last
number given to a delivery, of which our own are taken off. No notifications, no session: it works
through any pooler, and a database that is idle is asked one cheap question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hookgram.errors import StoreError
from hookgram.store.postgres.reader import Reader
from hookgram.store.postgres.transaction import View

PAUSE = 0.4
"""Seconds between two looks."""


class Watch:
    """Calls *changed* when the book or the deliveries changed, but not by *ours*."""

    def __init__(self, reader: Reader, ours: Callable[[], tuple[int, int]]) -> None:
        self._reader = reader
        self._ours = ours
        self._listeners: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._looked = asyncio.Event()

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called on the loop within a second of another's commit."""
        self._listeners.append(changed)
        if self._task is None:
            self._task = asyncio.create_task(self._live(), name="store-watch")

    def tell(self) -> None:
        """Tell the listeners now: something may have been missed."""
        for changed in self._listeners:
            changed()

    async def _live(self) -> None:
        before: tuple[int, int] | None = None
        while True:
            with suppress(StoreError):
                now = await self._theirs()
                # A number is seen before its row is: so tell once more the next time.
                moved = before is not None and now != before
                if moved or self._again:
                    self.tell()
                self._again = moved
                before = now
                self._looked.set()
            await asyncio.sleep(PAUSE)

    async def _theirs(self) -> tuple[int, int]:
        before = self._ours()
        [row] = await self._reader.read(_changes)
        # What we committed while asking may or may not be in it: the next look puts it right.
        pages, deliveries = before
        return row[0] - pages, (row[1] or 0) - deliveries

    async def looked(self) -> None:
        """Return when the next look is over."""
        self._looked.clear()
        await self._looked.wait()

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


async def _changes(view: View) -> list[tuple[int, int]]:
    rows = await view.rows("changes")
    return [(row[0], row[1]) for row in rows]
