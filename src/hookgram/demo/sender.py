"""A simulated Telegram that posts updates like the real Bot API server does."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from msgspec import Struct

from hookgram.demo.connection import Connection, Reply, request
from hookgram.demo.journal import Journal
from hookgram.demo.rules import (
    ANSWER_TIMEOUT,
    OPENING,
    OPENING_SLOWLY,
    RECENT,
    lifetime,
    payload_of,
    queue_id,
    split,
    wait_after,
)


class Update(Struct):
    """An update on its way: ``number`` is its place in the order in which it was posted."""

    number: int
    body: bytes
    update_id: int | None
    kind: str
    domain: str
    """Where it stands in line here; another one than ``queue`` when it was posted aside."""
    queue: str
    ends_at: float
    failures: int = 0


class Sender:
    """Posts updates until each is acknowledged or expires. An async context manager.

    One update of an ordering domain at a time; at most twice *max_connections* domains at work (the
    stall rule); *speed* divides every time of Telegram's. What it did is in its journal.
    """

    def __init__(
        self,
        url: str,
        journal: Journal,
        *,
        secret: str | None,
        max_connections: int = 40,
        speed: float = 1.0,
        seed: int = 1,
    ) -> None:
        parts = urlsplit(url)
        self._url = url
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._secret = secret
        self._journal = journal
        self._max_connections = max_connections
        self._speed = speed
        self._chance = random.Random(seed)  # noqa: S311  (a simulation)
        self._queues: dict[str, deque[Update]] = {}
        self._loaded: set[str] = set()
        self._unloaded: deque[str] = deque()
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._idle: list[Connection] = []
        self._opened: deque[float] = deque()
        self._answered_at = float("-inf")
        self._group = asyncio.TaskGroup()
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._drained = asyncio.Event()
        self._drained.set()
        self._numbers = 0
        self.left = 0

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._group)
        for _ in range(self._max_connections):
            self._spawn(self._work())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            # What went wrong in a task is raised here, not forgotten.
            await self._stack.__aexit__(kind, error, trace)
        finally:
            for connection in self._idle:
                connection.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() * self._speed

    def post(self, body: bytes, *, aside: bool = False) -> None:
        """Have any bytes sent, after those of their domain that were posted before them.

        *aside*: at the same time as others of the domain, as twins and reordered updates are.
        """
        number, kind, payload = split(body)
        self._numbers += 1
        alone = f"alone:{self._numbers}"
        lane = queue_id(kind, payload) or alone
        domain = alone if aside else lane
        ends_at = self._now() + lifetime(kind)
        update = Update(self._numbers, body, number, kind, domain, lane, ends_at)
        self._note("posted", update)
        queue = self._queues.setdefault(domain, deque())
        queue.append(update)
        self.left += 1
        self._drained.clear()
        if len(queue) == 1:
            self._unloaded.append(domain)
            self._load()

    async def drained(self, deadline: float) -> None:
        """Wait until every update is acknowledged or given up, *deadline* seconds at most."""
        async with asyncio.timeout(deadline):
            await self._drained.wait()

    def _load(self) -> None:
        """Take domains in hand, no more than the stall rule allows."""
        while self._unloaded and len(self._loaded) < 2 * self._max_connections:
            domain = self._unloaded.popleft()
            self._loaded.add(domain)
            self._ready.put_nowait(domain)

    async def _work(self) -> None:
        while True:
            domain = await self._ready.get()
            update = self._queues[domain][0]
            wait = await self._try(update)
            if wait is None or self._now() + wait > update.ends_at:
                self._end(update, acknowledged=wait is None)
            else:
                self._later(wait, domain)

    async def _try(self, update: Update) -> float | None:
        """Send once; return None when acknowledged, else the wait before the next try."""
        try:
            reply = await self._send(update)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self._note("failed", update, why=type(error).__name__)
            reply = None
        if reply is not None:
            self._note("answered", update, status=reply.status)
            if 200 <= reply.status < 300:
                self._answered_at = self._now()
                return None
        update.failures += 1
        retry_after = reply.retry_after if reply else None
        return wait_after(update.failures, self._chance.random(), retry_after)

    async def _send(self, update: Update) -> Reply:
        connection = await self._connection()
        self._note("sent", update)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT / self._speed):
                reply = await connection.post(request(self._url, self._secret, update.body))
        except BaseException:
            connection.close()
            raise
        if reply.kept:
            self._idle.append(connection)
        return reply

    async def _connection(self) -> Connection:
        """Return a kept connection, or open one as slowly as Telegram does."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            connection.close()
        while True:
            now = self._now()
            count, span = OPENING if now - self._answered_at < RECENT else OPENING_SLOWLY
            while self._opened and now - self._opened[0] >= span:
                self._opened.popleft()
            if len(self._opened) < count:
                self._opened.append(now)
                return Connection(*self._place)
            await asyncio.sleep((span - (now - self._opened[0])) / self._speed)

    def _later(self, wait: float, domain: str) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(wait / self._speed, self._ready.put_nowait, domain)

    def _end(self, update: Update, *, acknowledged: bool) -> None:
        self._note("acked" if acknowledged else "gave_up", update)
        queue = self._queues[update.domain]
        queue.popleft()
        self.left -= 1
        self._loaded.discard(update.domain)
        if queue:
            self._unloaded.append(update.domain)
        else:
            del self._queues[update.domain]
        self._load()
        if not self.left:
            self._drained.set()

    def _note(self, what: str, update: Update, **fields: Any) -> None:
        """Write it down; the update itself once, when it is posted."""
        if what == "posted":
            fields |= {
                "kind": update.kind,
                "queue": update.queue,
                "raw_sha256": hashlib.sha256(payload_of(update.body)).hexdigest(),
                "body_sha256": hashlib.sha256(update.body).hexdigest(),
            }
        self._journal.note(what, number=update.number, update_id=update.update_id, **fields)
