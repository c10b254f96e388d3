"""One kept-alive connection of the sender: a request at a time, as Telegram writes it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from msgspec import Struct

LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 1024 * 1024


class Reply(Struct, frozen=True):
    """The status and ``Retry-After`` of an answer; ``kept``: the connection can be used again."""

    status: int
    retry_after: str | None
    kept: bool


def request(url: str, secret: str | None, body: bytes) -> bytes:
    """Return the bytes of one post: these headers, in this order, and no others."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}"]
    if secret is not None:
        lines.append(f"X-Telegram-Bot-Api-Secret-Token: {secret}")
    lines += [
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: keep-alive",
        "Accept-Encoding: gzip, deflate",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """Opened on first use; after an error it is closed and of no use."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was opened and not closed, as far as we know."""
        return self._streams is not None and not self._streams[1].is_closing()

    async def post(self, message: bytes) -> Reply:
        """Send a request and read its answer. Raises OSError or EOFError when there is none."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._host, self._port, limit=LONGEST_HEAD
            )
        reader, writer = self._streams
        writer.write(message)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        length = int(headers.get("content-length", "0"))
        if length > LONGEST_BODY:
            raise OSError("the answer is too large")
        await reader.readexactly(length)
        kept = headers.get("connection") != "close"
        if not kept:
            self.close()
        return Reply(int(head[0].split(" ")[1]), headers.get("retry-after"), kept)

    def close(self) -> None:
        """Close it."""
        if self._streams is not None:
            self._streams[1].close()
