"""A webhook endpoint that shows the very bytes it got and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def answer(status: int, *headers: str) -> bytes:
    """An answer without a body."""
    lines = [f"HTTP/1.1 {status} Whatever", "Content-Length: 0", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Wire:
    """Listens on the loopback; *script* gets each request's bytes; b"" cuts the connection."""

    def __init__(self, script: Callable[[bytes], bytes] = lambda _: OK) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self._port = 0
        self._changed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/hook?x=1"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def __aenter__(self):
        await self.open()
        return self

    async def __aexit__(self, *_):
        await self.shut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Go away as a killed process does."""
        self.hold.set()
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        async with asyncio.timeout(5):
            while self._writers:
                self._changed.clear()
                await self._changed.wait()

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not fact():
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                message = head + await reader.readexactly(length)
                self.requests.append(message)
                self._changed.set()
                await self.hold.wait()
                reply = self.script(message)
                if not reply:
                    return
                writer.write(reply)
        except (OSError, EOFError):
            return
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._changed.set()


def message(update_id: int, chat: int = 7) -> bytes:
    """One message of a chat, as Telegram writes it."""
    return b'{"update_id":%d,\n"message":{"date":1,"chat":{"id":%d},"text":"%d"}}' % (
        update_id,
        chat,
        update_id,
    )
