"""The real process in trouble: a locked file, a full disk, a wrong setting, a second gateway."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.gateway import Process, environment, free_port, gateway


def update(number: int, chat: int = 7) -> bytes:
    """One message of a chat, as Telegram sends it."""
    return (
        b'{"update_id":%d,\n"message":{"message_id":1,"date":1,"chat":{"id":%d,"type":"private"},"text":"%d"}}'
        % (
            number,
            chat,
            number,
        )
    )


def updates_in(database: Path) -> set[int]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = {row[0] for row in connection.execute("SELECT update_id FROM event")}
    connection.close()
    return found


async def test_a_database_locked_by_another_process_is_answered_503_and_then_recovers(tmp_path):
    async with gateway(tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/") as process:
        assert await process.post(update(1)) == 200
        locker = sqlite3.connect(process.database, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        assert await process.post(update(2)) == 503
        assert (await process.get("/health"))[0] == 200
        locker.execute("ROLLBACK")
        locker.close()
        await process.until(lambda: posted(process, 2), what="an update taken after the lock")
        assert await process.post(update(2)) == 200
        assert updates_in(process.database) == {1, 2}
        assert await process.stop() == 0


async def posted(process: Process, number: int) -> bool:
    return await process.post(update(number)) == 200


async def test_a_second_gateway_on_the_same_file_refuses_to_start_and_says_so(tmp_path):
    async with gateway(tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/") as first:
        second = environment(tmp_path, free_port())
        result = subprocess.run(
            [sys.executable, "-m", "hookgram", "serve"],
            env=second,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert result.returncode == 75
        assert "Traceback" not in result.stderr
        assert str(first.pid) in result.stderr + result.stdout


async def test_wrong_settings_are_all_told_at_once(tmp_path):
    wrong = environment(
        tmp_path,
        0,
        PORT="abc",
        TARGET_WEBHOOK_URL="ftp://x",
        MAX_RETRIES="-1",
        BOT_TOKEN="nonsense",
    )
    result = subprocess.run(
        [sys.executable, "-m", "hookgram", "serve"],
        env=wrong,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 78
    assert "Traceback" not in result.stderr
    for name in ("PORT", "TARGET_WEBHOOK_URL", "MAX_RETRIES", "BOT_TOKEN"):
        assert name in result.stderr
    assert "nonsense" not in result.stderr + result.stdout


async def test_a_port_that_is_taken_ends_with_a_sentence(tmp_path):
    async with gateway(tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/") as first:
        (tmp_path / "other").mkdir()
        taken = environment(tmp_path / "other", first.port)
        result = subprocess.run(
            [sys.executable, "-m", "hookgram", "serve"],
            env=taken,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert result.returncode == 75
        assert str(first.port) in result.stderr
        assert "Traceback" not in result.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 8 MiB, where mounting is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"a full disk: mounting is not allowed here ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_is_answered_503_and_recovers_by_itself(tmp_path, small_disk):
    ballast = small_disk / "ballast"
    path = str(small_disk / "events.db")
    async with gateway(
        tmp_path, TARGET_WEBHOOK_URL="http://127.0.0.1:9/", SQLITE_PATH=path
    ) as process:
        assert await process.post(update(1)) == 200
        fill(ballast)
        acknowledged = {1}
        for number in range(2, 400):
            status = await process.post(update(number))
            if status == 200:
                acknowledged.add(number)
            else:
                assert status == 503
                break
        else:
            raise AssertionError("the disk never got full")
        assert (await process.get("/health"))[0] == 200
        await process.until(lambda: not_ready(process), what="readiness to notice")
        ballast.unlink()
        await process.until(
            lambda: posted(process, 1000), what="an update taken after the disk had room"
        )
        await process.until(lambda: ready(process), what="readiness to come back")
        assert acknowledged <= updates_in(process.database)
        assert await process.stop() == 0


async def not_ready(process: Process) -> bool:
    return (await process.get("/health/ready"))[0] == 503


async def ready(process: Process) -> bool:
    return (await process.get("/health/ready"))[0] == 200


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


async def test_secrets_never_print(tmp_path):
    canary = "canary-of-the-url"
    url = f"http://user:{canary}@127.0.0.1:9/{canary}?token={canary}"
    async with gateway(tmp_path, TARGET_WEBHOOK_URL=url, LOG_LEVEL="debug") as process:
        assert await process.post(update(1)) == 200
        assert await process.post(update(2), secret="wrong-" + canary) == 403
        await process.until(lambda: "Retry 1" in process.log(), what="a failed attempt")
        assert await process.stop() == 0
        log = process.log()
    assert canary not in log
    assert process.env["BOT_TOKEN"] not in log
    assert process.env["TELEGRAM_SECRET_TOKEN"] not in log
    assert process.env["OUTBOUND_SECRET"] not in log
    for line in log.splitlines():
        json.loads(line)


async def test_the_documented_asgi_address_serves_and_works(tmp_path):
    root = Path(__file__).parents[2]
    process = Process(
        tmp_path,
        command=[
            sys.executable,
            "-m",
            "uvicorn",
            "app.main:app",
            "--app-dir",
            str(root),
            "--host",
            "127.0.0.1",
        ],
        TARGET_WEBHOOK_URL="http://127.0.0.1:9/",
    )
    process.command += ["--port", str(process.port), "--log-level", "warning"]
    process.env.pop("PYTHONWARNINGS")
    await process.start()
    try:
        assert await process.post(update(1)) == 200
        await process.until(lambda: "Retry 1" in process.log(), what="the worker under uvicorn")
    finally:
        await process.stop()
    assert updates_in(process.database) == {1}


def test_nothing_listens_without_being_asked(tmp_path):
    """`hookgram config` starts nothing and needs no network."""
    result = subprocess.run(
        [sys.executable, "-m", "hookgram", "config"],
        env=environment(tmp_path, 8000),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.iterdir()) == []


async def test_the_example_of_the_settings_starts_as_it_stands(tmp_path):
    example = Path(__file__).parents[2] / ".env.example"
    (tmp_path / ".env").write_text(example.read_text())
    process = Process(tmp_path)
    kept = ("PATH", "LANG", "PYTHONPATH", "HOME", "PYTHONWARNINGS", "HOST", "PORT")
    process.env = {name: value for name, value in process.env.items() if name in kept}
    await process.start()
    try:
        assert (await process.get("/"))[1]["service"] == "telegram-webhook-gateway"
        assert await process.stop() == 0
    finally:
        if process.running:
            await process.kill()
    assert (tmp_path / "events.db").exists()
