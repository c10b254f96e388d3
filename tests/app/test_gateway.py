"""What the composition root promises to those who serve a gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes.facts import Facts
from fakes.gateway import SECRET, environment
from hookgram.app import Gateway
from hookgram.app.serving import _log
from hookgram.core.facts import TaskFailed
from hookgram.errors import StoreUnavailable
from hookgram.settings import Settings, load


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
