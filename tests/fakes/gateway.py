"""The gateway as a real process, started, watched and killed by a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

BOT_ID = 123456
TOKEN = f"{BOT_ID}:AAF0-this_is_a_token_of_the_tests_only"
SECRET = "the-secret_telegram_sends"
OUTBOUND = "a secret of the tests"


PORTS = range(20_000, 32_768)
"""Below those that the system gives to connections: nobody gets one of these by chance."""
CHANCE = random.SystemRandom()


def free_port() -> int:
    """Find a port of the loopback that nobody listens on."""
    while True:
        port = CHANCE.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def environment(folder: Path, port: int, **settings: str) -> dict[str, str]:
    """Build a whole environment: nothing of the machine's own settings gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "PYTHONWARNINGS": "error",
        "BOT_TOKEN": TOKEN,
        "TELEGRAM_SECRET_TOKEN": SECRET,
        "OUTBOUND_SECRET": OUTBOUND,
        "PUBLIC_MODE": "true",
        "RATE_LIMIT_PER_MIN": "0",
        "SQLITE_PATH": str(folder / "data" / "events.db"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_FORMAT": "json",
        **settings,
    }


class Process:
    """One gateway process after another on the same data and the same port."""

    def __init__(self, folder: Path, *, command: list[str] | None = None, **settings: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.env = environment(folder, self.port, **settings)
        self.command = command or [sys.executable, "-m", "hookgram", "serve"]
        self.log_path = folder / "gateway.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where Telegram posts."""
        return f"http://127.0.0.1:{self.port}/telegram/webhook"

    @property
    def database(self) -> Path:
        """The queue's file."""
        return Path(self.env["SQLITE_PATH"])

    @property
    def pid(self) -> int:
        """The process id of the one that runs."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *, deadline: float = 60.0, output: int | None = None) -> None:
        """Start it and wait until it says that it is ready.

        Importing aiogram alone is 4 s of a processor that a busy machine gives out in slices.
        """
        await self.launch(output)
        async with asyncio.timeout(deadline):
            while (await self.get("/health/ready"))[0] != 200:
                if self._process.returncode is not None:
                    raise AssertionError(
                        f"it ended with {self._process.returncode}:\n{self.log()[-3000:]}"
                    )
                await self.breathe()

    async def launch(self, output: int | None = None) -> None:
        """Start it and do not wait; it prints into its log, else to *output*."""
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.env,
                cwd=self.folder,
                stdout=log if output is None else output,
                stderr=log,
            )

    @staticmethod
    async def breathe() -> None:
        """Let a moment pass between two looks at a fact of another process."""
        loop = asyncio.get_running_loop()
        moment = loop.create_future()
        loop.call_later(0.02, lambda: moment.done() or moment.set_result(None))
        await moment

    async def until(self, fact, *, deadline: float = 30.0, what: str = "it") -> None:
        """Look until the fact (a callable, perhaps a coroutine function) is true."""
        end = time.monotonic() + deadline
        while True:
            seen = fact()
            if asyncio.iscoroutine(seen):
                seen = await seen
            if seen:
                return
            if time.monotonic() > end:
                raise AssertionError(
                    f"{what} did not happen within {deadline} s:\n{self.log()[-3000:]}"
                )
            await self.breathe()

    async def get(self, path: str) -> tuple[int, dict[str, object]]:
        """Ask it over HTTP; status 0 while nobody answers."""
        try:
            async with asyncio.timeout(5):
                status, body = await self._exchange(
                    f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
                )
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return 0, {}
        return status, json.loads(body) if body[:1] in (b"{", b"[") else {}

    async def post(
        self, body: bytes, *, secret: str | None = SECRET, path: str = "/telegram/webhook"
    ) -> int:
        """Post one body as Telegram does; answers the status, 0 when nobody answered."""
        token = f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\n" if secret is not None else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\n{token}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            async with asyncio.timeout(20):
                return (await self._exchange(head.encode() + body))[0]
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return 0

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            return int(head.split(b" ", 2)[1]), await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def kill(self) -> None:
        """End it as the machine would: at once. Who writes its store sees that and ends too."""
        await self._signal(signal.SIGKILL)

    async def cut(self) -> None:
        """End it and who writes its store, as a power cut would."""
        for pid in children(self.pid):
            os.kill(pid, signal.SIGKILL)
        await self.kill()

    async def stop(self, *, deadline: float = 40.0) -> int:
        """Ask it to stop and tell its exit code."""
        return await self._signal(signal.SIGTERM, deadline=deadline)

    async def _signal(self, number: int, *, deadline: float = 40.0) -> int:
        process = self._process
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        return await self.ended(deadline=deadline)

    async def ended(self, *, deadline: float = 40.0) -> int:
        """Wait for its end and tell its exit code."""
        assert self._process is not None
        async with asyncio.timeout(deadline):
            return await self._process.wait()

    @property
    def running(self) -> bool:
        """Whether a process is there."""
        return self._process is not None and self._process.returncode is None

    def log(self) -> str:
        """All it has printed so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


def children(pid: int) -> list[int]:
    """Tell the processes that a process has started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for children in lists for child in children.read_text().split()]


@contextlib.asynccontextmanager
async def gateway(folder: Path, **settings: str) -> AsyncIterator[Process]:
    """A running gateway that is gone at the end, whatever happens."""
    process = Process(folder, **settings)
    await process.start()
    try:
        yield process
    finally:
        if process.running:
            await process.kill()
