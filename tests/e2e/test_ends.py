"""How the real process begins and ends: signals, outputs, limits, a store that is taken away."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from e2e.test_trouble import update, updates_in
from fakes.gateway import OUTBOUND, Process, children, gateway
from hookgram.app import wall_clock
from hookgram.demo.journal import Journal
from hookgram.demo.receiver import Receiver
from hookgram.store.sqlite import open_sqlite

BROKEN = Path(__file__).parents[1] / "fakes" / "broken.py"


def broken(folder: Path, fault: str) -> Process:
    command = [sys.executable, "-P", str(BROKEN), fault, "serve"]
    return Process(folder, command=command, TARGET_WEBHOOK_URL="http://127.0.0.1:9/")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_it_starts_ends_it_as_any_other(tmp_path, number):
    process = broken(tmp_path, "slow_start")
    await process.launch()
    try:
        await process.until(lambda: '"opening"' in process.log(), what="the start")
        assert await process._signal(number, deadline=20) == 0
    finally:
        if process.running:
            await process.kill()
    assert "Traceback" not in process.log()


async def test_a_second_signal_while_it_starts_does_not_wait(tmp_path):
    process = broken(tmp_path, "slow_start")
    await process.launch()
    try:
        await process.until(lambda: '"opening"' in process.log(), what="the start")
        process._process.send_signal(signal.SIGTERM)
        assert await process._signal(signal.SIGINT, deadline=0.9) == 1
    finally:
        if process.running:
            await process.kill()


async def test_a_last_checkpoint_that_fails_is_told_and_ends_with_74(tmp_path):
    process = broken(tmp_path, "no_last_checkpoint")
    await process.start()
    assert await process.post(update(1)) == 200
    assert await process.stop() == 74
    assert process.log().count("The store fails: ") == 1
    assert updates_in(process.database) == {1}


async def test_a_reader_of_the_log_that_stopped_reading_holds_up_nothing(tmp_path):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"." * 4096)
    os.set_blocking(writing, True)
    process = Process(tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/")
    await process.start(output=writing)
    assert await process.post(update(1)) == 200
    assert await process.stop(deadline=20) == 0
    os.close(reading)
    os.close(writing)
    assert updates_in(process.database) == {1}


async def test_it_runs_without_any_output(tmp_path):
    command = ["bash", "-c", 'exec "$0" -m hookgram serve >&-', sys.executable]
    process = Process(tmp_path, command=command, TARGET_WEBHOOK_URL="http://127.0.0.1:9/")
    await process.start()
    assert await process.post(update(1)) == 200
    assert await process.stop() == 0


async def test_as_many_files_are_opened_as_may_be(tmp_path):
    command = ["bash", "-c", 'ulimit -Sn 100; exec "$0" -m hookgram serve', sys.executable]
    process = Process(tmp_path, command=command, TARGET_WEBHOOK_URL="http://127.0.0.1:9/")
    await process.start()
    now, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    assert now == most > 100
    assert await process.stop() == 0


STRICT = {
    "PUBLIC_MODE": "false",
    "AUTHORIZED_CHAT_IDS": "7",
    "RATE_LIMIT_PER_MIN": "1",
    "MAX_BODY_SIZE_KB": "1",
    "TELEGRAM_WEBHOOK_PATH": "/tg",
}


async def test_what_is_set_holds(tmp_path):
    receiver = Receiver("one", Journal(tmp_path / "one.jsonl"), secret=OUTBOUND)
    async with receiver, gateway(tmp_path, TARGET_WEBHOOK_URL=receiver.url, **STRICT) as process:
        assert await process.post(update(1, chat=7), path="/tg") == 200
        assert await process.post(update(2, chat=7), path="/tg") == 200
        assert await process.post(update(3, chat=8), path="/tg") == 200
        assert await process.post(update(4, chat=7) + b" " * 2048, path="/tg") == 413
        assert await process.post(update(5, chat=7)) == 404
        await receiver.until(lambda: receiver.count == 1, 10)

        stats = (await process.get("/stats"))[1]
        assert (stats["accepted"], stats["refused"]) == (2, 1)
        assert await process.stop() == 0
    receiver.journal.close()
    assert [round(delay / 1e6, -1) for delay in delays(process.database)] == [0, 60]


def delays(database: Path) -> list[int]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT due_at - created_at FROM delivery ORDER BY id").fetchall()
    connection.close()
    return [row[0] for row in rows]


async def test_a_loop_that_stands_still_ends_it_with_74(tmp_path):
    process = broken(tmp_path, "stands_still")
    await process.launch()
    try:
        assert await process.ended(deadline=30) == 74
    finally:
        if process.running:
            await process.kill()
    assert "stood still" in process.log()


async def test_without_who_writes_its_store_it_ends_with_74_and_goes_on_when_started_again(
    tmp_path,
):
    process = Process(tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/")
    await process.start()
    assert await process.post(update(1)) == 200
    [writer] = children(process.pid)
    os.kill(writer, signal.SIGKILL)
    assert await process.ended(deadline=20) == 74
    assert "the process that writes the store" in process.log()
    assert "Traceback" not in process.log()
    await process.start()
    assert await process.post(update(1)) == 200
    assert (await process.get("/stats"))[1]["queued"] == 1  # it knew the update again
    assert await process.stop() == 0


async def test_a_store_whose_file_was_removed_ends_it_with_74(tmp_path):
    process = Process(tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/")
    await process.start()
    assert await process.post(update(1)) == 200
    process.database.unlink()
    assert await process.ended(deadline=20) == 74
    assert process.log().count("The store fails: ") == 1


async def test_what_another_process_resumes_goes_on_at_once(tmp_path):
    receiver = Receiver("one", Journal(tmp_path / "one.jsonl"), secret=OUTBOUND)
    async with receiver, gateway(tmp_path, TARGET_WEBHOOK_URL=receiver.url) as process:
        store = await open_sqlite(process.database, clock=wall_clock)
        await store.pause("target")
        assert await process.post(update(1)) == 200
        await store.resume("target")
        await store.close()
        await receiver.until(lambda: receiver.count == 1, 10)
        assert await process.stop() == 0
    receiver.journal.close()
