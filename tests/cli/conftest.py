"""What commands that ask Telegram need: a Bot API that knows one bot, and sound settings."""

from __future__ import annotations

import os

import pytest

from hookgram.core.kinds import KINDS
from hookgram.demo.bot_api import FakeBotApi
from hookgram.settings import load

TOKEN = "123456:CANARY-CANARY-CANARY-CANARY"
PATH = "/telegram/webhook"
URL = f"https://localhost{PATH}"


@pytest.fixture
async def server():
    async with FakeBotApi(TOKEN) as server:
        bot = server.bots[TOKEN]
        bot.url, bot.connections, bot.allowed = URL, 40, list(KINDS)
        yield server


@pytest.fixture
def sound(tmp_path, server):
    """Variables nothing can be said against, and the machine's own without which nothing runs."""
    machine = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {
        **machine,
        "HOME": str(tmp_path),
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "error",
        "BOT_TOKEN": TOKEN,
        "TELEGRAM_SECRET_TOKEN": "CANARY-2",
        "OUTBOUND_SECRET": "CANARY-3-CANARY-3-CANARY-3",
        "AUTHORIZED_CHAT_IDS": "1",
        "MAX_RETRIES": "12",
        "PUBLIC_URL": "https://localhost",
        "SQLITE_PATH": str(tmp_path / "events.db"),
        "TELEGRAM_API_URL": server.url,
    }


@pytest.fixture
def settings(monkeypatch, tmp_path, sound):
    """Load the sound settings with some changed."""

    def load_with(**variables):
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in {**sound, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        return load()

    return load_with
