"""Replicas on one PostgreSQL, a sender and targets around them, and all that can befall them.

Half of the replicas reach the database through a proxy, as behind a load balancer of a cloud, the
others are told every host of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import asyncpg

from fakes.gateway import OUTBOUND, SECRET, Process
from fakes.postgres import Server, connected, read_books
from fakes.proxy import Proxy
from fakes.standby import fail_over, follow
from hookgram.core.identity import host_name
from hookgram.demo.journal import Journal
from hookgram.demo.ledger import Books, Verdict, audit
from hookgram.demo.receiver import Receiver, Request, Response
from hookgram.demo.samples import updates
from hookgram.demo.sender import Sender

SLOTS = 5
"""Few, so that all replicas are needed, and each holds something at any moment."""
IN_HAND = 2 * SLOTS
"""What a replica has in hand of a target at most: in the air, and as many to be recorded."""
OWED = 80
"""Updates that are posted ahead of what the first target has taken."""
SPEED = 50.0
UNSYNCED = 1.5
"""Seconds before a death of the database whose ends of attempts may be forgotten."""
TIMEOUT = 2
"""Seconds of an attempt: so long after it one may be answered whose claim is forgotten."""

LOST = "Lost the lease"
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

Span = tuple[float, float]


class Cluster:
    """An async context manager: so many replicas, a primary and a standby that has each commit.

    *source*: the replicas are of another version, which makes the schema itself.
    """

    def __init__(
        self, folder: Path, replicas: int, chance: random.Random, *, source: Path | None = None
    ) -> None:
        self.folder = folder
        self.chance = chance
        self._source = source
        self._stack = AsyncExitStack()
        self.primary = Server()
        self.standby = Server()
        self.receivers = [
            Receiver(name, Journal(folder / f"{name}.jsonl"), secret=OUTBOUND)
            for name in ("one", "two")
        ]
        self._number = replicas
        self.replicas: list[Process] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._held = 0
        self._forgotten: list[Span] = []

    async def __aenter__(self):
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _build(self) -> None:
        for receiver in self.receivers:
            self._stack.callback(receiver.journal.close)
        self._stack.callback(self.primary.close)
        self._stack.callback(self.standby.close)
        await asyncio.to_thread(self.primary.begin)
        if self._source is None:
            await self.primary.prepare()
            self.database = await self.primary.database()
        else:
            self.database = await self.primary.database(template="template0")
        await follow(self.standby, self.primary)
        for receiver in self.receivers:
            receiver.behaviour = slowly(self.chance)
            await self._stack.enter_async_context(receiver)
        self.wire = await self._stack.enter_async_context(Proxy(self.primary.port))
        self._stack.push_async_callback(self._end)
        self.balancer = await self._stack.enter_async_context(Proxy())
        await asyncio.gather(*(self.add(source=self._source) for _ in range(self._number)))
        self.journal = Journal(self.folder / "telegram.jsonl")
        self._stack.callback(self.journal.close)
        url = f"http://127.0.0.1:{self.balancer.port}/telegram/webhook"
        self.sender = await self._stack.enter_async_context(
            Sender(url, self.journal, secret=SECRET, speed=SPEED)
        )

    async def add(self, *, source: Path | None = None) -> Process:
        """Start one more replica, of another version if its *source* is given."""
        number = len(self.replicas)
        folder = self.folder / f"replica{number}"
        folder.mkdir()
        replica = Process(
            folder,
            TARGET_WEBHOOK_URLS=",".join(receiver.url for receiver in self.receivers),
            FANOUT_RETRY="independent",
            QUEUE_BACKEND="postgres",
            DATABASE_URL=self._url(wired=source is not None or number % 2 == 1),
            MAX_RETRIES="200",
            BASE_RETRY_DELAY_SEC="0.05",
            BREAKER_FAILURES="0",
            FORWARD_TIMEOUT_SEC=str(TIMEOUT),
            TARGET_SLOTS=str(SLOTS),
            **({"PYTHONPATH": str(source)} if source else {}),
        )
        self.replicas.append(replica)
        await replica.start(deadline=40)
        self.balancer.point(*(each.port for each in self.replicas))
        return replica

    def _url(self, *, wired: bool) -> str:
        if wired:
            return self.primary.url(self.database, port=self.wire.port)
        hosts = f"127.0.0.1:{self.standby.port},127.0.0.1:{self.primary.port}"
        return f"postgresql://postgres@{hosts}/{self.database}"

    async def _end(self) -> None:
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for replica in self.replicas:
            if replica.running:
                await replica.kill()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def kill(self, replica: Process) -> None:
        """Kill it; a platform starts it again while the story goes on."""
        await replica.kill()
        self._held += IN_HAND
        self._starting.add(asyncio.create_task(self._start(replica)))

    async def _start(self, replica: Process) -> None:
        for _ in range(5):
            with contextlib.suppress(AssertionError):
                return await replica.start(deadline=40)
        return await replica.start(deadline=40)

    async def started(self) -> None:
        """Wait until those that were killed are back."""
        await asyncio.gather(*self._starting)
        self._starting.clear()

    async def freeze(self, replica: Process) -> None:
        """Stop it as a frozen machine is, until others have taken over all that it held.

        Again, should it have held nothing at that moment.
        """
        lost = replica.log().count(LOST)
        for _ in range(5):
            os.kill(replica.pid, signal.SIGSTOP)
            self._held += IN_HAND
            held = await self._leases()
            while held & await self._leases():
                await Process.breathe()
            os.kill(replica.pid, signal.SIGCONT)
            await self.more(20)
            if replica.log().count(LOST) > lost:
                return
        raise AssertionError("the frozen replica never held anything")

    async def _leases(self) -> set[int]:
        """Read the tokens of all leases, as soon as the database can be asked."""
        while True:
            with contextlib.suppress(*AWAY):
                async with connected(self.primary.url(self.database)) as connection:
                    return {row[0] for row in await connection.fetch("SELECT token FROM lease")}
            await Process.breathe()

    async def crash(self) -> None:
        """Have PostgreSQL crash and come back."""
        await self._forgetting(asyncio.to_thread(self.primary.crash))
        await asyncio.to_thread(self.primary.start)

    async def fail_over(self) -> None:
        """Have the primary die and the standby take its place, which gets a standby of its own."""
        await self._forgetting(fail_over(self.primary, self.standby))
        self.primary, self.standby = self.standby, self.primary
        self.wire.point(self.primary.port)
        await follow(self.standby, self.primary)

    async def _forgetting(self, fault: Awaitable[None]) -> None:
        began = time.time()
        await fault
        self._forgotten.append((began - UNSYNCED, time.time() + TIMEOUT))

    @contextlib.asynccontextmanager
    async def loaded(self, *, cut: bool = True):
        """Keep the sender busy and, unless told not to, cut connections to the database."""
        done = asyncio.Event()
        loops = (self._feed(updates(chats=60), done), *([self._cut(done)] if cut else []))
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(*tasks)

    async def _feed(self, stream: Iterator[bytes], done: asyncio.Event) -> None:
        posted = 0
        while not done.is_set():
            if posted - self.receivers[0].count < OWED:
                for body in islice(stream, 20):
                    self.sender.post(body)
                    posted += 1
            await within(done, 0.1)

    async def _cut(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await within(done, self.chance.uniform(0.2, 0.8))
            self.wire.cut()

    async def more(self, number: int) -> None:
        """Wait until the first target has taken so many more."""
        receiver = self.receivers[0]
        enough = receiver.count + number
        await receiver.until(lambda: receiver.count >= enough, 60)

    async def ended(self) -> None:
        """Wait until all is delivered, and stop the replicas that run."""
        await self.sender.drained(60)
        running = [replica for replica in self.replicas if replica.running]

        async def nothing_queued() -> bool:
            return (await running[0].get("/stats"))[1].get("queued") == 0

        await running[0].until(nothing_queued, deadline=60, what="the end of all work")
        codes = await asyncio.gather(*(replica.stop() for replica in running))
        assert set(codes) == {0}

    async def audit(self) -> Verdict:
        """Close the books. More duplicates than the faults explain are a problem."""
        rows, counters = await read_books(self.primary.url(self.database))
        received = {host_name(r.url): r.journal.entries for r in self.receivers}
        books = Books(sent=self.journal.entries, received=received, rows=rows, counters=counters)
        explained = max(self.explained(receiver) for receiver in self.receivers)
        return audit(books, duplicates_allowed=explained)

    def explained(self, receiver: Receiver) -> int:
        """Count the duplicates of a target that may be.

        What was in hand at a kill, tries around a death of the database, and those that a busy
        machine did not end in time.
        """
        return (
            self._held
            + self.log().count("🔁 Retry")
            + sum(
                any(start <= entry["at"] <= end for start, end in self._forgotten)
                for entry in receiver.journal.entries
            )
        )

    async def schema(self) -> int:
        """Tell which version the schema has."""
        async with connected(self.primary.url(self.database)) as connection:
            return await connection.fetchval("SELECT max(number) FROM migration")

    def log(self) -> str:
        """All that the replicas have printed."""
        return "".join(replica.log() for replica in self.replicas)


def slowly(chance: random.Random) -> Callable[[Request], Response]:
    """Take a while to answer, so that something is always in the air."""
    return lambda _: Response(delay=chance.uniform(0.05, 0.35))


async def within(done: asyncio.Event, seconds: float) -> None:
    """Wait for *done*, so long at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()
