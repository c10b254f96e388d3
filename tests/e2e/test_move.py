"""From a file to a database in the middle of everything: the ledger closes all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import pytest

from fakes.command import command
from fakes.gateway import OUTBOUND, SECRET, Process
from fakes.postgres import read_books, running
from hookgram.core.identity import host_name
from hookgram.core.model import State
from hookgram.demo.journal import Journal
from hookgram.demo.ledger import Books, audit, read_store
from hookgram.demo.receiver import Receiver, Response
from hookgram.demo.samples import updates
from hookgram.demo.sender import Sender
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock, arrival, owed, register

SLOTS = 40
UPDATES = 250


@pytest.fixture
async def url():
    name = await running().database(template="template0")
    yield running().url(name)
    await running().drop(name)


async def test_a_gateway_that_dies_on_a_file_is_gone_on_with_on_a_database(tmp_path, url):
    receivers = [
        Receiver(name, Journal(tmp_path / f"{name}.jsonl"), secret=OUTBOUND)
        for name in ("well", "down")
    ]
    well, down = receivers
    down.behaviour = lambda _: Response(status=503, delay=0.05)
    async with AsyncExitStack() as stack:
        for receiver in receivers:
            await stack.enter_async_context(receiver)
        settings = {
            "TARGET_WEBHOOK_URLS": ",".join(receiver.url for receiver in receivers),
            "FANOUT_RETRY": "independent",
            "MAX_RETRIES": "200",
            "BASE_RETRY_DELAY_SEC": "0.05",
            "BREAKER_FAILURES": "0",
        }
        on_file = Process(tmp_path, **settings)
        await on_file.start()
        journal = Journal(tmp_path / "telegram.jsonl")
        sender = await stack.enter_async_context(
            Sender(on_file.url, journal, secret=SECRET, speed=50.0)
        )
        for body in islice(updates(chats=30), UPDATES):
            sender.post(body)
        await well.until(lambda: well.count >= UPDATES // 2 and down.count >= 60, 30)
        await on_file.kill()

        words = ("move", "--from", f"sqlite:{on_file.database}", "--to", "postgres", "--json")
        moved = (await command(tmp_path, *words, DATABASE_URL=url)).document
        states = {line["what"] for line in moved["counted"] if line["source"]}
        assert {"waiting", "pending", "leased"} <= states, "nothing was in the air"

        down.behaviour = lambda _: Response()
        on_database = Process(
            tmp_path,
            QUEUE_BACKEND="postgres",
            DATABASE_URL=url,
            PORT=str(on_file.port),
            **settings,
        )
        on_database.port = on_file.port
        stack.push_async_callback(ended, on_database)
        await on_database.start()
        await sender.drained(60)

        async def nothing_queued() -> bool:
            return (await on_database.get("/stats"))[1].get("queued") == 0

        await on_database.until(nothing_queued, deadline=60, what="the end of all work")
        assert await on_database.stop() == 0
    before, _ = read_store(on_file.database)
    rows, counters = await read_books(url)
    rows += [row for row in before if row.state in (State.DELIVERED, State.CANCELLED)]
    received = {host_name(r.url): r.journal.entries for r in receivers}
    books = Books(sent=journal.entries, received=received, rows=rows, counters=counters)
    verdict = audit(books, duplicates_allowed=SLOTS)
    for each in (journal, *(receiver.journal for receiver in receivers)):
        each.close()
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged > UPDATES - 50


async def ended(process: Process) -> None:
    if process.running:
        await process.kill()


async def fill(path: Path) -> None:
    store = await open_sqlite(path, clock=HandClock())
    shop, logs = await register(store, "shop", "logs")
    lanes = [f"42|m:{number % 50}" for number in range(6_000)]
    await asyncio.gather(
        *(store.accept([arrival(owed(shop, lane), owed(logs, lane), lane=lane)]) for lane in lanes)
    )
    await store.close()


async def cut(folder: Path, url: str, moment: str, number: signal.Signals) -> tuple[int, str]:
    """Move until a line begins with *moment*, then send the signal; the exit code, what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hookgram", "move", "--from", "sqlite:events.db"),
        *("--to", "postgres"),
        env={**os.environ, "DATABASE_URL": url, "PYTHONWARNINGS": "error"},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said = ""
    async with asyncio.timeout(30):
        while line := (await process.stderr.readline()).decode():
            said += line
            if line.startswith(moment):
                process.send_signal(number)
        return await process.wait(), said


async def test_a_move_that_is_stopped_and_killed_is_gone_on_with(tmp_path, url):
    await fill(tmp_path / "events.db")
    code, said = await cut(tmp_path, url, "events: ", signal.SIGINT)
    assert code == 1, said
    assert "Stopped: " in said
    assert "Give the same command again" in said
    code, said = await cut(tmp_path, url, "deliveries: ", signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    assert "rows are there already" in said
    words = ("move", "--from", "sqlite:events.db", "--to", url, "--json")
    whole = await command(tmp_path, *words)
    assert whole.document["ended"], whole.document
    assert "rows are there already" in whole.err
    found = {
        (line["what"], line["target"]): line["destination"] for line in whole.document["counted"]
    }
    assert found["events", None] == found["keys of duplicates", None] == 6_000
    for target in ("shop", "logs"):
        assert (found["pending", target], found["waiting", target]) == (50, 5_950)
