"""What the composition root promises to those who serve a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.facts import Facts
from fakes.gateway import SECRET, environment
from hookgram.app import Gateway
from hookgram.app.serving import _log
from hookgram.core.facts import TaskFailed
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


def test_the_log_knows_the_secrets(settings: Settings, capsys: pytest.CaptureFixture[str]):
    with _log(settings) as log:
        log(TaskFailed(where="a test", error=f"said {SECRET}"))
    printed = capsys.readouterr().out
    assert "a test" in printed
    assert SECRET not in printed
