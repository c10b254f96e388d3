"""How we speak HTTP through aiohttp: what it sends, and how much it listens to.

aiohttp by itself takes any number of interim answers (a flood of ``100 Continue`` stalls the loop
for seconds and takes a gigabyte), believes an answer that came before the request it is read for,
and keeps a connection open for ever to flush a request that nobody reads. ``AnswerReader`` forbids
all three.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage, StreamWriter
from aiohttp.streams import StreamReader

from hookgram.channels.guard import Reach, public_socket
from hookgram.channels.resolver import Resolver

MOST_READ = 64 * 1024
"""Bytes of an answer that are read, head included, beyond a body that is wanted whole."""

MOST_INTERIM = 16
"""Interim answers (1xx) that may come before it."""

SLICE = 4 * 1024
"""Bytes parsed at a time, to stop in time."""

IDLE = 4.0
"""Seconds an idle connection is kept. Many servers close theirs after five: who closes first does
not race with a request on its way."""


_END_OF_HEAD = b"\r\n\r\n"


class Overlong(aiohttp.ClientError):
    """The answer goes on and on."""


class AnswerReader(ResponseHandler):
    """Reads the one answer to the request that was sent, on a connection that is used again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.kept = False
        """Whether it carried a request before."""
        self._asked = False
        self._head_done = False
        self._body: StreamReader | None = None
        self._bytes = 0
        self._most = MOST_READ
        self._interim = 0

    def expect(self, whole: int = 0) -> None:
        """Take what comes from now on as the answer: the request is about to leave.

        *whole* is the longest body that is wanted in whole.
        """
        self._most = MOST_READ + whole
        self._asked = self.kept = True
        self._head_done = False
        self._bytes = self._interim = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came, piece by piece, until the answer is complete or too long."""
        if not data:
            super().data_received(data)  # aiohttp's way to go on after a pause
            return
        while data and self._asked and self.exception() is None:
            piece = self._piece(data)
            data = data[len(piece) :]
            self._bytes += len(piece)
            super().data_received(piece)
            if self._bytes > self._most and self._asked:
                self._give_up()
        if self._body is not None and self.exception() is not None:
            self._body.set_exception(Overlong())  # nobody waits for the rest
        if data:
            self._cut()  # unasked: it must not pass for the answer to the next request

    def _piece(self, data: bytes) -> bytes:
        """Cut off what to parse next: a head by itself, so that nonsense behind cannot undo it."""
        end = -1 if self._head_done else data.find(_END_OF_HEAD, 0, SLICE)
        return data[: SLICE if end < 0 else end + len(_END_OF_HEAD)]

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take one parsed answer: skip interim ones, and cut the connection at one too many."""
        message, payload = data
        if self._head_done or not self._asked:
            self._cut()
        elif 100 <= message.code < 200 and message.code != 101:
            self._interim += 1
            if self._interim > MOST_INTERIM:
                self._give_up()
        else:
            self._head_done = True
            self._body = payload
            super().feed_data(data, size)
            payload.on_eof(self._answered)

    def _answered(self) -> None:
        self._asked = False
        self._body = None

    def _give_up(self) -> None:
        self.set_exception(Overlong())
        self._cut()

    def _cut(self) -> None:
        self.force_close()
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Close it, at once if the exchange is not over: nobody may keep it by not reading."""
        unsent = self.transport is not None and self.transport.get_write_buffer_size() > 0
        if self._asked or unsent:
            self.abort()
        else:
            super().close()


class Parcel(aiohttp.Payload):
    """The headers and the body of a request. ``left`` tells whether its first byte has left.

    ``late`` tells that it could not leave: a connection that was kept had just been closed.
    """

    def __init__(self, headers: dict[str, str], body: bytes, whole: int = 0) -> None:
        super().__init__(body, headers)
        self._size = len(body)
        self._whole = whole
        self.left = self.late = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body; the head, held back until now, leaves with it."""
        protocol = cast("AnswerReader", cast("StreamWriter", writer).protocol)
        if not protocol.is_connected():
            self.late = protocol.kept
            raise aiohttp.ClientConnectionResetError
        protocol.expect(self._whole)
        self.left = True
        await writer.write(self._value)


class Connector(aiohttp.TCPConnector):
    """Dials, guarded, and pools. Has no limits: a target's slots are the worker's to give."""

    def __init__(self, reach: Reach, resolver: Resolver, tls: ssl.SSLContext | None) -> None:
        super().__init__(
            limit=0,
            keepalive_timeout=IDLE,
            resolver=resolver,
            socket_factory=public_socket if reach is Reach.PUBLIC else None,
            ssl=tls or True,
        )
        self._factory: Any = functools.partial(AnswerReader, loop=self._loop)


class Request(aiohttp.ClientRequest):
    """A request whose headers are its parcel's, and ``Host`` and ``Content-Length``.

    A parcel names a user agent, if there is to be one, and a content type: aiohttp's comes else.
    """

    def update_auto_headers(self, _: object) -> None:
        """Add nothing."""


def open_session(connector: Connector) -> aiohttp.ClientSession:
    """Open a session that adds nothing of its own and follows, keeps and unpacks nothing."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        request_class=Request,
        timeout=aiohttp.ClientTimeout(total=None),
    )
