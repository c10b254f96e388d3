"""An executor in a process of its own: the loop and it never wait for each other's Python.

The process is ours alone: it is started here, hears nothing from terminals or stop signals, ends
when its line does, and is ended by the system when this process dies.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from hookgram.errors import StoreBroken
from hookgram.store.sqlite.connection import Opening
from hookgram.store.sqlite.executor import Batch, Ended, Hello, Told
from hookgram.store.sqlite.frames import Frames, framed

OPENING = 600.0
"""Seconds that the file may take to be opened: its schema may be brought up to date."""
PATIENCE = 5.0
"""Seconds a process gets to end when it has said that it does."""


class InProcess(asyncio.Protocol):
    """The loop's end of the line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._frames = Frames()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._told: Callable[[Told], None] = self._told_first
        self._early: list[Told] = []
        self._over = False

    @classmethod
    async def open(cls, opening: Opening, shard: str) -> InProcess:
        """Start the process and have it open the file; raises as ``open_writer`` does."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await _started(theirs.fileno())
        except OSError as error:
            ours.close()
            raise StoreBroken(
                f"the process that writes the store cannot be started: {error.strerror}"
            ) from error
        loop = asyncio.get_running_loop()
        _, line = await loop.create_unix_connection(lambda: cls(process), sock=ours)
        try:
            await line._open(Hello(opening, shard, os.getpid()))  # noqa: SLF001  (ours)
        except BaseException:
            await line.ended()
            raise
        return line

    async def _open(self, hello: Hello) -> None:
        self._send(hello)
        try:
            async with asyncio.timeout(OPENING):
                await self._opened
        except TimeoutError as error:
            self._make_go()
            raise StoreBroken("the store's file could not be opened in time") from error

    def start(self, told: Callable[[Told], None]) -> None:
        """Begin; what the executor tells, and has told already, is given to *told*."""
        self._told = told
        early, self._early = self._early, []
        for one in early:
            told(one)

    def send(self, batch: Batch) -> None:
        """Have the batch carried out after those sent before."""
        self._send(batch)

    def end(self) -> None:
        """Have the executor close the file when all that was sent is done."""
        self._send(None)

    def kill(self) -> None:
        """End the process at once; it is told as ended."""
        self._make_go()
        self._transport.abort()

    async def ended(self) -> None:
        """Wait until the process is gone; it is made to go if it does not."""
        self._over = True
        self._transport.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self._make_go()
            await self._process.wait()

    def _make_go(self) -> None:
        with suppress(ProcessLookupError):  # it went by itself
            self._process.kill()

    def _send(self, value: Any) -> None:
        if not self._transport.is_closing():  # else it is told that it ended
            self._transport.write(framed(value))

    def _told_first(self, told: Told | None) -> None:
        if self._opened.done():  # nobody has begun yet
            self._early.append(cast("Told", told))
        elif isinstance(told, Ended):
            self._opened.set_exception(told.refusal)
        else:
            self._opened.set_result(None)

    # What the line does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to send."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what the executor tells."""
        for told in self._frames.feed(data):
            self._over = self._over or isinstance(told, Ended)
            self._told(told)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell of a process that ended without a word: it was killed."""
        if not self._over:
            self._over = True
            self._told(Ended(StoreBroken("the process that writes the store was ended")))


async def _started(line: int) -> asyncio.subprocess.Process:
    # By the loop's own thread, with whose end the system ends the process.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "hookgram.store.sqlite.child", str(line)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        pass_fds=[line],
        start_new_session=True,
    )
