"""Many replicas on one PostgreSQL, and everything that can die does: the ledger closes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import pytest

from fakes.gateway import OUTBOUND, SECRET, Process
from fakes.postgres import Server, read_books
from fakes.proxy import Proxy
from hookgram.core.identity import host_name
from hookgram.demo.journal import Journal
from hookgram.demo.ledger import Books, Verdict, audit
from hookgram.demo.receiver import Receiver, Request, Response
from hookgram.demo.samples import updates
from hookgram.demo.sender import Sender

SLOTS = 40
SPEED = 50.0
LEASE = 15.5
"""Seconds that a claim lasts here: the deadline of an attempt, and 15."""
UNSYNCED = 600
"""Ends of tries that a crash of the server may take back: those of the last moments."""
LONG = int(os.environ.get("SOAK_ROUNDS", "0"))
"""Rounds of trouble in the long form; 0: the short one."""


class Cluster:
    """A PostgreSQL behind a proxy, replicas behind another, a sender and targets around them."""

    def __init__(self, folder: Path, replicas: int, *names: str) -> None:
        self.folder = folder
        self._stack = AsyncExitStack()
        self.server = Server()
        self.receivers = [
            Receiver(name, Journal(folder / f"{name}.jsonl"), secret=OUTBOUND) for name in names
        ]
        self._number = replicas
        self.replicas: list[Process] = []
        self.duplicates_allowed = 0

    async def __aenter__(self):
        self._stack.callback(self.server.close)
        await asyncio.to_thread(self.server.begin)
        await self.server.prepare()
        self.database = await self.server.database()
        for receiver in self.receivers:
            receiver.behaviour = slowly(random.Random(3))
            await self._stack.enter_async_context(receiver)
        self.wire = await self._stack.enter_async_context(Proxy(self.server.port))
        for number in range(self._number):
            self.replicas.append(self._replica(number))
        self._stack.push_async_callback(self._end)
        await asyncio.gather(*(replica.start() for replica in self.replicas))
        ports = [replica.port for replica in self.replicas]
        self.balancer = await self._stack.enter_async_context(Proxy(*ports))
        self.journal = Journal(self.folder / "telegram.jsonl")
        url = f"http://127.0.0.1:{self.balancer.port}/telegram/webhook"
        self.sender = await self._stack.enter_async_context(
            Sender(url, self.journal, secret=SECRET, speed=SPEED)
        )
        return self

    def _replica(self, number: int) -> Process:
        folder = self.folder / f"replica{number}"
        folder.mkdir()
        return Process(
            folder,
            TARGET_WEBHOOK_URLS=",".join(receiver.url for receiver in self.receivers),
            FANOUT_RETRY="independent",
            QUEUE_BACKEND="postgres",
            DATABASE_URL=self.server.url(self.database, port=self.wire.port),
            MAX_RETRIES="200",
            BASE_RETRY_DELAY_SEC="0.05",
            BREAKER_FAILURES="0",
            FORWARD_TIMEOUT_SEC="0.5",
        )

    async def _end(self) -> None:
        for replica in self.replicas:
            if replica.running:
                await replica.kill()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        for journal in (self.journal, *(receiver.journal for receiver in self.receivers)):
            journal.close()

    async def kill(self, replica: Process) -> None:
        await replica.kill()
        self.duplicates_allowed += SLOTS
        await self.start(replica)

    async def start(self, replica: Process) -> None:
        """Start it as a platform does: again, until it stays."""
        for _ in range(5):
            with contextlib.suppress(AssertionError):
                return await replica.start()
        return await replica.start()

    async def stop_past_its_lease(self, replica: Process) -> None:
        """Stop it as a frozen machine is, until others have taken over what it held."""
        self.duplicates_allowed += SLOTS
        os.kill(replica.pid, signal.SIGSTOP)
        await wait(LEASE + 2)
        os.kill(replica.pid, signal.SIGCONT)

    async def crash(self) -> None:
        """Have PostgreSQL crash and come back."""
        self.duplicates_allowed += UNSYNCED
        await asyncio.to_thread(self.server.crash)
        await asyncio.to_thread(self.server.start)

    async def settled(self, deadline: float = 60.0) -> None:
        async def nothing_queued() -> bool:
            return (await self.replicas[0].get("/stats"))[1].get("queued") == 0

        await self.replicas[0].until(nothing_queued, deadline=deadline, what="the end of all work")

    async def audit(self) -> Verdict:
        rows, counters = await read_books(self.server.url(self.database))
        received = {host_name(r.url): r.journal.entries for r in self.receivers}
        books = Books(sent=self.journal.entries, received=received, rows=rows, counters=counters)
        return audit(books, duplicates_allowed=self.duplicates_allowed)


def slowly(chance: random.Random) -> Callable[[Request], Response]:
    """Take a while to answer, so that something is always in the air."""
    return lambda _: Response(delay=chance.uniform(0.05, 0.35))


async def wait(seconds: float) -> None:
    """Let time pass: a lease ends by it, and nothing else tells when."""
    moment = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, moment.set_result, None)
    await moment


async def cutting(wire: Proxy, chance: random.Random, done: asyncio.Event) -> None:
    while not done.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chance.uniform(0.2, 0.8)):
                await done.wait()
        wire.cut()


async def feeding(cluster: Cluster, stream, done: asyncio.Event) -> None:
    """Post more whenever the sender has little left."""
    while not done.is_set():
        if cluster.sender.left < 60:
            for body in islice(stream, 40):
                cluster.sender.post(body)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await done.wait()


async def more(cluster: Cluster, number: int) -> None:
    """Wait until the first target has taken so many more."""
    receiver = cluster.receivers[0]
    enough = receiver.count + number
    await receiver.until(lambda: receiver.count >= enough, 60)


async def trouble(cluster: Cluster, rounds: int) -> None:
    """One replica is frozen; meanwhile the others are killed in turn and PostgreSQL crashes."""
    for _ in range(rounds):
        await more(cluster, 100)
        frozen, *others = cluster.replicas
        freezing = asyncio.create_task(cluster.stop_past_its_lease(frozen))
        for replica in others:
            await more(cluster, 30)
            await cluster.kill(replica)
        await more(cluster, 30)
        await cluster.crash()
        await freezing
        cluster.replicas = [*others, frozen]


@pytest.mark.timeout(180 + 60 * LONG)
async def test_replicas_that_die_and_freeze_and_lose_the_database_lose_nothing(tmp_path):
    async with Cluster(tmp_path, 3, "one", "two") as cluster:
        done = asyncio.Event()
        troubled = [
            asyncio.create_task(cutting(cluster.wire, random.Random(5), done)),
            asyncio.create_task(feeding(cluster, updates(chats=60), done)),
        ]
        try:
            await trouble(cluster, LONG or 1)
        finally:
            done.set()
            await asyncio.gather(*troubled)
        await cluster.sender.drained(60)
        await cluster.settled()
        for replica in cluster.replicas:
            assert await replica.stop() == 0
        verdict = await cluster.audit()
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged > 300
    assert cluster.wire.cuts > 10
    logs = "".join(replica.log() for replica in cluster.replicas)
    assert "lapsed" in logs, "nobody held anything when it was killed"
    assert "Lost the lease" in logs, "the frozen one held nothing when it was frozen"
