"""Tells processes that deliver what others took, in a moment; nothing depends on it.

A commit that notifies holds a lock on the whole server until it is over, so none of an update does:
a notification goes alone, after the commits, at most once in a while, and need not be on disk. It
is sent by who brings work and does not deliver. To hear it takes a connection of its own that no
pooler stands before; without one, and while it is cut, the database is asked as ever.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TypeAlias

import asyncpg

from hookgram.errors import StoreError
from hookgram.store.postgres.call import Kind
from hookgram.store.postgres.connection import CONNECT, connect
from hookgram.store.postgres.hosts import Hosts
from hookgram.store.postgres.transaction import SQL, STATEMENT, Transaction
from hookgram.store.postgres.troubles import CUT

CHANNEL = "hookgram"
PAUSE = 0.02
"""Seconds between two notifications of a process."""
MOST = 100
"""Targets that a notification names; of more it names none, which means all."""
ALIVE = 30.0
"""Seconds after which a silent connection is asked whether it is there."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
TARGET = re.compile("[0-9]{1,18}")

Wake: TypeAlias = Callable[[Iterable[int] | None], None]


async def notify(tx: Transaction, calls: Sequence[Collection[int]]) -> list[None]:
    """Say that these targets have new work; all, when none is named."""
    targets = set().union(*calls)
    named = targets if all(calls) and len(targets) <= MOST else set()
    text = ",".join(map(str, sorted(named)))
    await tx.rows("notify", channel=CHANNEL, text=text)
    return [None for _ in calls]


NOTIFY = Kind(notify, together=512, durable=False)


class Caller:
    """Sends hints, with *send*, not more often than once in ``PAUSE``."""

    def __init__(self, send: Callable[[Collection[int]], Awaitable[None]]) -> None:
        self._send = send
        self._targets: set[int] | None = set()
        self._task: asyncio.Task[None] | None = None

    def brought(self, targets: Collection[int] | None) -> None:
        """Tell soon that these targets have new work; None: that any may have."""
        if targets is None or self._targets is None:
            self._targets = None
        else:
            self._targets.update(targets)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._live(), name="store-hints")

    async def _live(self) -> None:
        while self._targets is None or self._targets:
            targets, self._targets = self._targets or (), set()
            with suppress(StoreError):  # it is only a hint
                await self._send(targets)
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Finish what is to be told."""
        if self._task is not None:
            await asyncio.wait([self._task])


class Listener:
    """Hears hints over a connection of its own to *url* and calls *wake*."""

    def __init__(self, url: str, wake: Wake) -> None:
        self._hosts = Hosts(url)
        self._wake = wake
        self._heard = asyncio.Event()
        self._pause = FIRST_PAUSE
        self.listens = asyncio.Event()
        """Set while hints are heard."""
        self._task = asyncio.create_task(self._live(), name="store-listener")

    async def _live(self) -> None:
        """Listen, again after each cut; for good not at all where a pooler answers."""
        while True:
            with suppress(*CUT, asyncpg.PostgresError, StoreError, ValueError, OverflowError):
                db, pooled = await self._hosts.first(connect, CONNECT)
                try:
                    if pooled:
                        return
                    await self._listen(db)
                finally:
                    self.listens.clear()
                    db.terminate()
            await asyncio.sleep(self._pause * random.uniform(0.5, 1))  # noqa: S311 - to spread them
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _listen(self, db: asyncpg.Connection) -> None:
        db.add_termination_listener(lambda _: self._heard.set())
        async with asyncio.timeout(STATEMENT):
            await db.add_listener(CHANNEL, self._hear)
        self._pause = FIRST_PAUSE
        self.listens.set()
        self._wake(None)  # something may have been missed
        while not db.is_closed():
            self._heard.clear()
            try:
                async with asyncio.timeout(ALIVE):
                    await self._heard.wait()
            except TimeoutError:
                await db.fetchval(SQL["process"].sql, timeout=STATEMENT)

    def _hear(self, _db: object, _process: int, _channel: str, text: object) -> None:
        self._heard.set()
        named = str(text).split(",") if text else []
        if all(TARGET.fullmatch(name) for name in named):
            self._wake([int(name) for name in named] or None)

    async def close(self) -> None:
        """Listen no more."""
        self._task.cancel()
        await asyncio.wait([self._task])
