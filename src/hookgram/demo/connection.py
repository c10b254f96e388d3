"""One kept-alive connection of the sender: a request at a time, as Telegram writes it."""

from __future__ import annotations

import asyncio
import base64
import re
from urllib.parse import unquote, urlsplit

from msgspec import Struct

LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 1024 * 1024
_STATUS = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: .*)?")


class Reply(Struct, frozen=True):
    """The status and ``Retry-After`` of an answer; ``kept``: the connection can be used again."""

    status: int
    retry_after: str | None
    kept: bool


def request(url: str, secret: str | None, body: bytes) -> bytes:
    """Return the bytes of one post: these headers, in this order, and no others."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = "" if parts.port in {None, 80} else f":{parts.port}"
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.hostname}{port}"]
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append("Authorization: Basic " + base64.b64encode(user.encode()).decode())
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
        """Whether it was opened and neither side has closed it, as far as we know."""
        if self._streams is None:
            return False
        reader, writer = self._streams
        return not (reader.at_eof() or writer.is_closing())

    async def post(self, message: bytes) -> Reply:
        """Send a request and read its whole answer.

        Raises OSError, EOFError or ValueError when there is none that can be understood.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._host, self._port, limit=LONGEST_HEAD
            )
        reader, writer = self._streams
        writer.write(message)
        try:
            reply = await _read(reader)
        except asyncio.LimitOverrunError as error:
            raise ValueError("a line or head of the answer is too long") from error
        if not reply.kept:
            self.close()
        return reply

    def close(self) -> None:
        """Hang up at once, whatever was still to be written."""
        if self._streams is not None:
            self._streams[1].transport.abort()


async def _read(reader: asyncio.StreamReader) -> Reply:
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    matched = _STATUS.fullmatch(status_line)
    if matched is None:
        raise ValueError(f"not an answer: {status_line[:80]!r}")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
    status = int(matched[1])
    # An interim answer counts as a wrong one; what comes after it is not waited for.
    framed = status in {204, 304} or (status >= 200 and await _skip_body(reader, headers))
    kept = framed and headers.get("connection") != "close"
    return Reply(status, headers.get("retry-after"), kept)


async def _skip_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bool:
    """Read the body away; False when only the end of the connection ends it."""
    if headers.get("content-encoding") == "br":
        raise ValueError("an encoding that nobody offered to read")
    if headers.get("transfer-encoding") == "chunked":
        await _skip_chunks(reader)
        return True
    if "content-length" in headers:
        await _skip(reader, int(headers["content-length"]), LONGEST_BODY)
        return True
    left = LONGEST_BODY
    while left >= 0 and (piece := await reader.read(LONGEST_HEAD)):
        left -= len(piece)
    if left < 0:
        raise ValueError("the answer is too large")
    return False


async def _skip_chunks(reader: asyncio.StreamReader) -> None:
    left = LONGEST_BODY
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        await _skip(reader, size, left)
        await reader.readexactly(2)
        left -= size
    while await reader.readuntil(b"\r\n") != b"\r\n":
        left -= 1
        if left < 0:
            raise ValueError("the answer is too large")


async def _skip(reader: asyncio.StreamReader, size: int, most: int) -> None:
    if not 0 <= size <= most:
        raise ValueError("the answer is too large")
    await reader.readexactly(size)
