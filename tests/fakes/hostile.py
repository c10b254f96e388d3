"""A raw server on loopback whose every byte is scripted: the targets nobody wishes for.

``Hostile(behaviour)`` accepts connections and lets *behaviour* loose on each; what it saw and what
it could write are facts that a test waits for with ``until``. A behaviour is an async function of
one ``Exchange``; when it returns, the connection is closed; when the server is, it is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias

DEADLINE = 10.0
"""Seconds a test waits for a fact before it fails."""

PACE = 0.02
"""Seconds between two bytes of a drip."""

Behaviour: TypeAlias = "Callable[[Exchange], Awaitable[None]]"
Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Request:
    """One request as it came: the line, the headers as they were written, the body."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.headers = [tuple(line.split(": ", 1)) for line in lines]
        self.path = self.line.split(" ")[1]
        self.body = body

    def header(self, name: str) -> str | None:
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)


class Exchange:
    """One accepted connection, seen from the server's side."""

    def __init__(self, server: Hostile, streams: Streams) -> None:
        self.server = server
        self._reader, self._writer = streams

    async def request(self) -> Request:
        """Read one whole request. Raises EOFError or OSError when the client is gone."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = Request(head, b"").header("content-length")
        request = Request(head, await self._reader.readexactly(int(length or 0)))
        self.server.requests.append(request)
        self.server.changed()
        return request

    async def read_only(self, size: int) -> None:
        """Read so many bytes, and then no more."""
        await self._reader.readexactly(size)
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's

    async def write(self, data: bytes) -> None:
        """Write as much as the client takes; counted once the system took it."""
        self._writer.write(data)
        await self._writer.drain()
        self.server.written += len(data)
        self.server.changed()

    async def answer(self, status: str = "200 OK", body: bytes = b"ok", **headers: str) -> None:
        """Write a whole, well-formed answer."""
        named = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{named}\r\n"
        await self.write(head.encode("latin-1") + body)

    async def gone(self, within: float | None = None) -> bool:
        """Wait until the client hangs up, so long at most; tells whether it did."""
        try:
            async with asyncio.timeout(within):
                while await self._reader.read(65536):
                    pass
        except TimeoutError:
            return False
        except OSError:
            pass
        self.server.hung_up += 1
        self.server.changed()
        return True

    def reset(self) -> None:
        """Cut the connection so that the client gets an RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Hostile:
    """The server. ``requests`` are those read whole; ``written`` counts bytes that left."""

    def __init__(self, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour
        self.connections = 0
        self.hung_up = 0
        self.again = False
        """Set by a test, with ``changed``, to let a behaviour go on."""
        self.written = 0
        self.requests: list[Request] = []
        self._tls = tls
        self._open: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # so that written is true
        self.port: int = listener.getsockname()[1]
        self._server = await asyncio.start_server(
            self._accept, sock=listener, limit=2**20, ssl=self._tls
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/hook"

    def changed(self) -> None:
        """Let those who wait look again."""
        self._changed.set()

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait until the fact is true."""
        async with asyncio.timeout(DEADLINE):
            while not fact():
                self._changed.clear()
                await self._changed.wait()

    async def _accept(self, *streams: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        self.changed()
        try:
            await self.behaviour(Exchange(self, streams))
        except (EOFError, OSError):
            self.hung_up += 1
        except asyncio.CancelledError:
            pass  # the server is closing; a cancelled handler would be reported as unhandled
        finally:
            self._open.discard(task)
            self.changed()
            writer = streams[1]
            writer.transport.abort() if self._tls else writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


serve = Hostile  # reads well behind "async with"

# What targets do. Those that take arguments return a behaviour.


def healthy(status: str = "200 OK", body: bytes = b"ok", **headers: str) -> Behaviour:
    """Answer every request of the connection alike."""

    async def behave(exchange: Exchange) -> None:
        while True:
            await exchange.request()
            await exchange.answer(status, body, **headers)

    return behave


def raw(data: bytes, *, then_wait: bool = False) -> Behaviour:
    """Answer with these very bytes, then hang up (or wait until the client does)."""

    async def behave(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.write(data)
        if then_wait:
            await exchange.gone()

    return behave


def endless(head: bytes, piece: bytes) -> Behaviour:
    """Write the head, then the piece for ever, as fast as the client takes it."""

    async def behave(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.write(head)
        while True:
            await exchange.write(piece)

    return behave


def drip(head: bytes, rest: bytes) -> Behaviour:
    """Write the head at once and the rest one byte at a time, then start the rest again."""

    async def behave(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.write(head)
        for byte in itertools.cycle(rest):
            await exchange.write(bytes([byte]))
            if await exchange.gone(within=PACE):
                return

    return behave


async def hang_after_accept(exchange: Exchange) -> None:
    """Take the connection and read nothing, ever."""
    await exchange.read_only(0)
    await asyncio.get_running_loop().create_future()


async def hang_after_request(exchange: Exchange) -> None:
    """Read the request and never answer."""
    await exchange.request()
    await exchange.gone()


async def reset_before_reading(exchange: Exchange) -> None:
    """Cut the connection as soon as it stands."""
    exchange.reset()


async def reset_after_reading(exchange: Exchange) -> None:
    """Read the request, then cut the connection."""
    await exchange.request()
    exchange.reset()


async def reset_after_headers(exchange: Exchange) -> None:
    """Say 200 and promise a body, then cut the connection."""
    await exchange.request()
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome of it")
    exchange.reset()


async def answer_without_reading(exchange: Exchange) -> None:
    """Say 200 at the first byte of the request, and read no more of it."""
    await exchange.read_only(1)
    await exchange.answer()
    await asyncio.get_running_loop().create_future()


async def redirect_to_itself(exchange: Exchange) -> None:
    """Send the client in circles, with a secret in the query."""
    while True:
        await exchange.request()
        await exchange.answer("302 Found", b"", Location=f"{exchange.server.url}?token=secret")


def answer_then_more(more: bytes) -> Behaviour:
    """Answer one request; write more when the test says so and the client asked for nothing."""

    async def behave(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer()
        await exchange.server.until(lambda: exchange.server.again)
        await exchange.write(more)
        await exchange.gone()

    return behave


_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_BOMB = gzip.compress(bytes(20_000_000))
gzip_bomb = raw(
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB,
    then_wait=True,
)
drip_headers = drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a")
drip_body = drip(_CHUNKED, b"1\r\na\r\n")
endless_body = endless(_CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n")
endless_header = endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 4096)
endless_headers = endless(b"HTTP/1.1 200 OK\r\n", b"X-Again: and again\r\n" * 200)
endless_interim = endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 200)
endless_garbage = endless(b"", b"\x00\xff" * 2048)
garbage = raw(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
http_0_9 = raw(b"<html>hello</html>")
nul_in_reason = raw(b"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n")
close_before_answer = raw(b"")
half_a_head = raw(b"HTTP/1.1 200 OK\r\nContent-Le")
no_content = healthy("204 No Content", b"")
interim_first = raw(
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
)
until_closed = raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is")
