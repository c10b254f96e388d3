"""A TCP proxy on the loopback: spreads connections over several places, and cuts them when told."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable


class Proxy:
    """Sends each connection to the next place that takes it. An async context manager."""

    def __init__(self, *ports: int, seed: int = 1) -> None:
        self._ports = list(ports)
        self._chance = random.Random(seed)
        self._turn = 0
        self._open: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cuts = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for ends in list(self._open):
            self._sever(ends)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def point(self, *ports: int) -> None:
        """Send connections to other places from now on, and cut those that are open."""
        self._ports = list(ports)
        for ends in list(self._open):
            self._sever(ends)

    def cut(self) -> None:
        """Cut one connection, whichever it is, as if a cable were pulled out."""
        if self._open:
            self._sever(self._chance.choice(self._open))
            self.cuts += 1

    def cut_all(self) -> None:
        """Cut every connection."""
        for ends in self._open:
            self._sever(ends)

    @staticmethod
    def _sever(ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        for end in ends:
            end.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        place = await self._connect()
        if place is None:
            writer.transport.abort()
            return
        there, out = place
        ends = (writer, out)
        self._open.append(ends)
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(_pump(reader, out)),
                    asyncio.create_task(_pump(there, writer, self._changed, self._part)),
                ]
            )
        finally:
            self._open.remove(ends)
            self._sever(ends)

    @staticmethod
    def _changed(data: bytes) -> bytes:
        """Return what comes back from the other side, as it is handed on."""
        return data

    @staticmethod
    def _part(writer: asyncio.StreamWriter) -> None:
        """Tell this side that the other one has gone."""
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._ports:
            self._turn += 1
            with contextlib.suppress(OSError):
                port = self._ports[self._turn % len(self._ports)]
                return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    changed: Callable[[bytes], bytes] = bytes,
    part: Callable[[asyncio.StreamWriter], None] = asyncio.StreamWriter.close,
) -> None:
    """Carry bytes one way until either end goes; then the other end hears of it."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(changed(data))
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        part(writer)
