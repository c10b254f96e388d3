"""The programs of the documentation's pages, run as processes: each prints what it receives."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from fakes.gateway import Process, free_port

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/how-to/libraries"
BOTS = Path(__file__).parent / "bots"
INSTALLED = ROOT / "build/libraries"
ABSENT = [f"{tool} is not on this machine" for tool in ("node", "npm") if not shutil.which(tool)]
"""The only reasons for which a library of Node may go untried; in CI there is none."""


def snippet(page: str, language: str) -> str:
    [found] = re.findall(
        rf"^```{language}\n(.*?)^```", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE
    )
    return found


def installed() -> Path:
    """Install what the lock pins, once for each lock."""
    lock = (BOTS / "package-lock.json").read_bytes()
    done = INSTALLED / "installed"
    if not done.exists() or done.read_bytes() != lock:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        INSTALLED.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(BOTS / name, INSTALLED)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        result = subprocess.run(
            command, cwd=INSTALLED, capture_output=True, text=True, timeout=100, check=False
        )
        assert result.returncode == 0, result.stderr
        done.write_bytes(lock)
    return INSTALLED / "node_modules"


class Program:
    """One bot: the program of its page, with *changes* that the page speaks of."""

    def __init__(self, name: str, page: str, token: str, *changes: tuple[str, str]) -> None:
        self.name = name
        self.token = token
        self.node = page in {"grammy.md", "telegraf.md"}
        self.secret = f"secret-of-{name}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/telegram"
        self._text = snippet(page, "javascript" if self.node else "python")
        for old, new in changes:
            assert self._text.count(old) == 1
            self._text = self._text.replace(old, new)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, folder: Path, api: str) -> None:
        """Start it."""
        place = folder / self.name
        place.mkdir()
        command = ["node", "bot.cjs"] if self.node else [sys.executable, "bot.py"]
        (place / command[1]).write_text(self._text)
        self._log = place / "log"
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=place,
                stdout=log,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(place),
                    "BOT_TOKEN": self.token,
                    "SECRET_TOKEN": self.secret,
                    "PORT": str(self.port),
                    "TELEGRAM_API_URL": api,
                    **({"NODE_PATH": str(installed())} if self.node else {}),
                },
            )

    async def ready(self) -> None:
        """Wait until it listens."""
        async with asyncio.timeout(40):
            while True:
                assert self._process is not None
                assert self._process.returncode is None, self.log()
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await Process.breathe()

    async def post(self, secret: str) -> int:
        """Post an update that has not the shape of one, and return the status."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        body = {"update_id": 999_001, "poll": {"id": []}}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, json=body, headers=headers) as answer,
        ):
            return answer.status

    async def end(self) -> None:
        """End it, whatever it does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def received(self) -> dict[int, str | None]:
        """Return what it received: the kinds, as it understood them, by the updates' numbers."""
        lines = [re.fullmatch(r"(\d+)(?: (\w+))?", line) for line in self.log().splitlines()]
        received: dict[int, str | None] = {}
        for line in filter(None, lines):
            received.setdefault(int(line[1]), line[2])
        return received


def without_node() -> None:
    """Leave out what needs Node where there is none, but never in CI."""
    if ABSENT and not os.environ.get("CI"):
        pytest.skip("; ".join(ABSENT))
