"""A tiny HTTP client on a raw socket, and an ASGI application behind our real server.

The client can say what no library lets one say: lies about lengths, half bodies, odd bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hookgram.web.exchange import Asgi
from hookgram.web.listener import Listener, bind

DEADLINE = 10.0
"""Seconds any single step may take before the test fails."""


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(DEADLINE):
            await self.writer.drain()

    async def answer(self, *, bodiless: bool = False) -> Answer:
        """Read one whole answer; ``bodiless`` for the answer to a HEAD."""
        async with asyncio.timeout(DEADLINE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {}
            for line in filter(None, head[1:]):
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = 0 if bodiless else int(headers.get("content-length", 0))
            body = await self.reader.readexactly(length)
        return Answer(int(head[0].split()[1]), headers, body)

    async def ended(self) -> bool:
        """Wait for the other side to close; tells whether it did so without sending more."""
        async with asyncio.timeout(DEADLINE):
            return await self.reader.read() == b""

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@dataclass(frozen=True)
class Address:
    """Where an application listens, and the server if it is ours."""

    port: int
    server: Server | None = None

    @contextlib.asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            yield wire
        finally:
            await wire.close()

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Iterable[tuple[str, str | bytes]] = (),
    ) -> Answer:
        """Do one exchange on a connection of its own."""
        async with self.wire() as wire:
            await wire.send(request(method, path, body, headers))
            return await wire.answer(bodiless=method == "HEAD")

    async def get(self, path: str) -> Answer:
        return await self.request("GET", path)


def request(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Iterable[tuple[str, str | bytes]] = (),
    *,
    length: int | None = None,
) -> bytes:
    """Write a request; *length* may lie about the body."""
    given = list(headers)
    if body or method == "POST":
        given.append(("Content-Length", str(len(body) if length is None else length)))
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: gateway.test"]
    lines += [
        name.encode() + b": " + (value if isinstance(value, bytes) else value.encode())
        for name, value in given
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunk(data: bytes) -> bytes:
    """Write one chunk of a chunked body; the empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server(Listener):
    """Our server, which turns as soon as a test is over instead of ten times a second."""

    def __init__(self, app: Asgi) -> None:
        super().__init__(app)
        self.listening = asyncio.Event()
        self.over = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.over.wait()


@contextlib.asynccontextmanager
async def serving(app: Asgi) -> AsyncIterator[Address]:
    """Run the application under uvicorn on a port of the loopback, in this very event loop."""
    with bind("127.0.0.1", 0) as bound:
        server = Server(app)
        served = asyncio.create_task(server.serve(sockets=[bound]))
        await server.listening.wait()
        try:
            yield Address(bound.getsockname()[1], server)
        finally:
            server.over.set()
            await asyncio.wait_for(served, DEADLINE)


async def together(*awaitables: Any) -> Sequence[Any]:
    """Await all at once, within the deadline."""
    async with asyncio.timeout(DEADLINE):
        return await asyncio.gather(*awaitables)
