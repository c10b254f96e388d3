"""What the composition root promises to those who serve a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from fakes.facts import Facts
from fakes.gateway import SECRET, environment
from hookgram.app import Gateway, wall_clock
from hookgram.app.serving import _log
from hookgram.core.facts import IngestRejected, StoreFailed, TaskFailed
from hookgram.core.role import Role
from hookgram.errors import StoreUnavailable
from hookgram.settings import Settings, load
from hookgram.store.opening import open_file
from hookgram.web.exchange import Asgi


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment(tmp_path, 0, TARGET_WEBHOOK_URL="http://127.0.0.1:9/").items():
        monkeypatch.setenv(name, value)
    return load(None)


async def test_it_is_ready_until_it_is_stopped(settings: Settings):
    gateway = Gateway(settings, Facts(), lambda: None)
    await gateway.open()
    assert gateway.not_ready() == []
    gateway.stop()
    assert gateway.not_ready() == ["it is stopping"]
    await gateway.close()


async def test_a_change_that_cannot_be_read_at_once_is_read_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    gateway = Gateway(settings, Facts(), lambda: None)
    await gateway.open()
    chats, troubles, read = gateway._store.chats, [StoreUnavailable("busy")], asyncio.Event()

    async def first_not():
        if troubles:
            raise troubles.pop()
        read.set()
        return await chats()

    monkeypatch.setattr(gateway._store, "chats", first_not)
    gateway._stale.set()
    async with asyncio.timeout(5):
        await read.wait()
    await gateway.close()


def test_the_log_knows_the_secrets(settings: Settings, capsys: pytest.CaptureFixture[str]):
    with _log(settings) as log:
        log(TaskFailed(where="a test", error=f"said {SECRET}"))
    printed = capsys.readouterr().out
    assert "a test" in printed
    assert SECRET not in printed


@pytest.mark.parametrize(
    ("role", "loops"), [("ingest", {"polling", "overdue"}), ("worker", {"worker"})]
)
async def test_a_role_runs_its_own_loops_only(
    settings: Settings, tmp_path: Path, role: str, loops: set[str]
):
    settings = settings.model_copy(update={"ingest_mode": "polling", "role": role})
    async with AsyncExitStack() as stack:
        if role == "ingest":  # somebody has to make the store
            path = Path(settings.sqlite_path)
            await open_file(path, Role.WORKER, wall_clock, stack)
        gateway = Gateway(settings, Facts(), lambda: None)
        await gateway.open()
        stack.push_async_callback(gateway.close)
        names = {task.get_name().split()[0] for task in gateway._loops}
        assert names == {"caretaker", "pulse", "targets", *loops}
        assert gateway.not_ready() == []


async def test_an_update_that_cannot_be_stored_has_the_store_probed_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    async def fail() -> None:
        raise StoreUnavailable("full")

    def fail_at_once(*_: object, **__: object) -> None:
        raise StoreUnavailable("full")

    facts = Facts()
    gateway = Gateway(settings, facts, lambda: None)
    app = await gateway.open()
    try:
        for _ in range(2):  # behind the first one of the pulse's own
            await gateway._store.probe()
        monkeypatch.setattr(gateway._store, "probe", fail)
        monkeypatch.setattr(gateway._store, "accept", fail_at_once)
        secret = [(b"x-telegram-bot-api-secret-token", SECRET.encode())]
        assert await asked(app, "POST", "/telegram/webhook", secret) == 503
        await facts.wait(StoreFailed)
        assert gateway.not_ready() == ["the store does not commit: full"]
    finally:
        await gateway.close()


async def test_a_worker_says_that_it_takes_no_updates(settings: Settings):
    facts = Facts()
    gateway = Gateway(settings.model_copy(update={"role": "worker"}), facts, lambda: None)
    app = await gateway.open()
    try:
        assert await asked(app, "POST", "/telegram/webhook") == 404
        [fact] = facts.of(IngestRejected)
        assert (fact.bot, fact.reason) == (
            "default",
            "this process takes no updates: its role is worker",
        )
        for path in ("/", "/health", "/health/ready", "/stats"):
            assert await asked(app, "GET", path) == 200
    finally:
        await gateway.close()


async def asked(
    app: Asgi, method: str, path: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> int:
    """Ask an application once; return the status."""
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [*headers],
        "query_string": b"",
    }
    await app(scope, receive, send)
    return int(sent[0]["status"])
