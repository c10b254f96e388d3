"""Taking and delivering as processes of their own: each may die at any moment, nothing is lost."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import pytest

from fakes.command import command
from fakes.gateway import OUTBOUND, SECRET, Process
from fakes.postgres import read_books, running
from fakes.proxy import Proxy
from hookgram.core.identity import host_name
from hookgram.demo.journal import Journal
from hookgram.demo.ledger import Books, Verdict, audit, read_store
from hookgram.demo.receiver import Receiver, Request, Response
from hookgram.demo.samples import updates
from hookgram.demo.sender import Sender

SLOTS = 40
SPEED = 50.0
INGEST, WORKER = "ingest", "worker"
PATIENT = {
    "MAX_RETRIES": "200",
    "BASE_RETRY_DELAY_SEC": "0.05",
    "BREAKER_FAILURES": "0",
    "FANOUT_RETRY": "independent",
    "FORWARD_TIMEOUT_SEC": "0.5",
}


def slowly(chance: random.Random):
    """Take a while to answer, so that something is always in the air."""

    def answer(_: Request) -> Response:
        return Response(delay=chance.uniform(0.02, 0.2))

    return answer


class Parts:
    """Processes of either role on one store, with a sender and targets around them."""

    def __init__(self, folder: Path, *, ingest: int = 1, workers: int = 1, **store: str) -> None:
        self.folder = folder
        self._stack = AsyncExitStack()
        self._receivers = [
            Receiver(name, Journal(folder / f"{name}.jsonl"), secret=OUTBOUND)
            for name in ("one", "two")
        ]
        self.settings = {"SQLITE_PATH": str(folder / "events.db"), **PATIENT, **store}
        self._numbers = {INGEST: ingest, WORKER: workers}
        self.ingest: list[Process] = []
        self.workers: list[Process] = []
        self.kills = 0

    async def __aenter__(self):
        for receiver in self._receivers:
            receiver.behaviour = slowly(random.Random(3))
            await self._stack.enter_async_context(receiver)
        self.settings["TARGET_WEBHOOK_URLS"] = ",".join(r.url for r in self._receivers)
        self.workers = [self.process(WORKER, str(n)) for n in range(self._numbers[WORKER])]
        self.ingest = [self.process(INGEST, str(n)) for n in range(self._numbers[INGEST])]
        await asyncio.gather(*(process.start() for process in (*self.workers, *self.ingest)))
        ports = [process.port for process in self.ingest]
        balancer = await self._stack.enter_async_context(Proxy(*ports))
        self.journal = Journal(self.folder / "telegram.jsonl")
        url = f"http://127.0.0.1:{balancer.port}/telegram/webhook"
        self.sender = await self._stack.enter_async_context(
            Sender(url, self.journal, secret=SECRET, speed=SPEED)
        )
        return self

    def process(self, role: str, name: str) -> Process:
        """Prepare one more process; it is ended with the others."""
        folder = self.folder / f"{role}-{name}"
        folder.mkdir()
        process = Process(folder, ROLE=role, **self.settings)

        async def end() -> None:
            if process.running:
                await process.kill()

        self._stack.push_async_callback(end)
        return process

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        for journal in (self.journal, *(receiver.journal for receiver in self._receivers)):
            journal.close()

    async def kill(self, process: Process) -> None:
        await process.kill()
        self.kills += process in self.workers
        await process.start()

    async def more(self, number: int, deadline: float = 30) -> None:
        """Wait until the first target has taken so many more."""
        first = self._receivers[0]
        enough = first.count + number
        await first.until(lambda: first.count >= enough, deadline)

    async def settled(self, deadline: float = 60.0) -> None:
        async def nothing_queued() -> bool:
            return (await self.workers[0].get("/stats"))[1].get("queued") == 0

        await self.workers[0].until(nothing_queued, deadline=deadline, what="the end of all work")

    async def stop(self) -> None:
        for process in (*self.ingest, *self.workers):
            assert await process.stop() == 0

    def audit(self, rows, counters) -> Verdict:
        received = {host_name(r.url): r.journal.entries for r in self._receivers}
        books = Books(sent=self.journal.entries, received=received, rows=rows, counters=counters)
        return audit(books, duplicates_allowed=self.kills * SLOTS)


def logs(processes: list[Process]) -> str:
    return "".join(process.log() for process in processes)


async def test_on_a_file_either_process_is_killed_in_turn_and_nothing_is_lost(tmp_path):
    async with Parts(tmp_path) as parts:
        [ingest], [worker] = parts.ingest, parts.workers
        stream = updates(chats=60)
        for doomed in (worker, ingest) * 2:
            for body in islice(stream, 80):
                parts.sender.post(body)
            await parts.more(60)
            await parts.kill(doomed)
        await parts.sender.drained(60)
        await parts.settled()
        await parts.stop()
        verdict = parts.audit(*read_store(tmp_path / "events.db"))
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged > 200
    assert "lapsed" in logs([worker]), "nothing was in the air when the worker was killed"
    assert "WORKER STARTED" not in logs([ingest])
    assert "Sent event" not in logs([ingest])


@pytest.mark.timeout(180)
async def test_on_postgres_workers_are_killed_one_after_another_and_nothing_is_lost(tmp_path):
    server = running()
    database = await server.database()
    place = {"QUEUE_BACKEND": "postgres", "DATABASE_URL": server.url(database)}
    async with Parts(tmp_path, ingest=2, workers=2, **place) as parts:
        stream = updates(chats=60)
        for doomed in parts.workers:
            for body in islice(stream, 80):
                parts.sender.post(body)
            await parts.more(40)
            await parts.kill(doomed)
        await parts.sender.drained(60)
        await parts.settled()
        await parts.stop()
        verdict = parts.audit(*await read_books(server.url(database)))
    await server.drop(database)
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged > 100
    assert "lapsed" in logs(parts.workers), "nothing was in the air when a worker was killed"
    assert "Sent event" not in logs(parts.ingest)


async def test_updates_are_taken_while_no_worker_lives_and_the_doctor_says_so(tmp_path):
    async with Parts(tmp_path) as parts:
        [ingest], [worker] = parts.ingest, parts.workers
        await worker.kill()
        for body in islice(updates(chats=20), 40):
            parts.sender.post(body)
        await parts.sender.drained(30)
        assert (await ingest.get("/health/ready"))[0] == 200
        assert (await ingest.get("/stats"))[1]["queued"] == 80
        said = await command(tmp_path, "doctor", "--no-network", "--json", **ingest.env)
        assert "nobody_delivers" in said.out
        await ingest.kill()
        await ingest.start()  # it needs no worker for that
        await worker.start()
        await parts.settled()
        await parts.stop()
        verdict = parts.audit(*read_store(tmp_path / "events.db"))
    assert verdict.ok, str(verdict)


async def test_a_file_has_one_process_of_each_role(tmp_path):
    async with Parts(tmp_path) as parts:
        holders = {INGEST: parts.ingest[0], WORKER: parts.workers[0], "all": parts.workers[0]}
        seconds = {role: parts.process(role, "second") for role in holders}
        await asyncio.gather(*(second.launch() for second in seconds.values()))
        for role, second in seconds.items():
            assert await second.ended() == 75
            assert f"process {holders[role].pid}" in second.log()
