"""One connection: uvicorn's, with limits it does not have, and a short way for plain updates."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hookgram.web.exchange import Header
from hookgram.web.ingest import Ingest
from hookgram.web.transport import Together
from hookgram.web.whole import LARGEST_HEAD, Reader

HEAD_DEADLINE = 20.0
"""Seconds that the head of a request may take, from its first byte or the connection's start."""
CLOSE = b"connection: close\r\n"
"""What the last answer on a connection has among its headers."""


class Bounded(HttpToolsProtocol):
    """A connection on which all but bodies is limited, which uvicorn does not do.

    That is heads, the extensions of chunks, and trailers; nobody needs trailers, so they are
    dropped.
    """

    _begun = False
    """A request has begun and not ended: what comes is the parser's, whatever it looks like."""
    _in_head = True
    _bodiless = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, not for ever."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes since the last byte of a body, or the end of a request."""
        self._bodiless += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._bodiless > LARGEST_HEAD:
            self._refuse()
        elif self._in_head and self._patience is None and (self._begun or self._bodiless):
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes behind the body is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Count anew."""
        self._bodiless = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Go on to the next request."""
        self._begun = False
        self._in_head = True
        self._bodiless = 0
        super().on_message_complete()

    def _refuse(self) -> None:
        if self._in_head:
            self.send_400_response("The head of the request is too large.")
        else:  # its answer may be on the way already
            self.transport.abort()

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(HEAD_DEADLINE, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Connection(Bounded):
    """Takes updates that are there whole without ASGI, which costs as much as all that we do.

    Whatever is not quite plain, or is not to be let in, is left to uvicorn and the application.
    """

    _taking = False
    """An update is being taken; its answer is still to be given."""
    _last = False
    """The server stops: the connection closes behind that answer."""
    _behind = b""
    """What came while an update was being taken."""
    _rested_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._wire = Together(transport, self.loop)
        self._reader = Reader()
        self._ingest = self.app if isinstance(self.app, Ingest) else None
        super().connection_made(self._wire)

    def data_received(self, data: bytes) -> None:
        """Take an update, or leave it to the server; one that comes before its turn waits."""
        if self._taking:
            self._behind += data
            self.transport.pause_reading()
        elif self._ingest is None or not self._takes(data, self._ingest):
            super().data_received(data)

    def _takes(self, data: bytes, ingest: Ingest) -> bool:
        """Take what is a plain update, if nothing before it is unfinished on either side."""
        if self._begun or self._bodiless or self.flow.write_paused or not self._answered():
            return False
        known = ingest.heads.read(data)
        request = known or self._reader.read(data)
        door = ingest.let_in(request) if request else None
        if request is None or door is None:
            return False
        if known is None:
            ingest.heads.keep(data, request)
        self._wait_no_more()
        self._taking = True
        rest = ingest.keeping.take(door, request.body, self)
        if rest is not None:
            task = self.loop.create_task(rest)
            task.add_done_callback(self._taken)
            self.tasks.add(task)
        return True

    def _taken(self, task: asyncio.Task[None]) -> None:
        """Leave nobody waiting for the answer of a task that was cut, or met a bug of ours."""
        self.tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self.loop.call_exception_handler(
                {"message": "an update's connection failed", "exception": failure}
            )
        if failure is not None or task.cancelled():
            self.abort()

    def abort(self) -> None:
        """Close the connection now: nobody may wait for an answer that does not come."""
        self._wire.abort()

    def _answered(self) -> bool:
        """Tell whether all that the server was given is answered."""
        return self.cycle is None or self.cycle.response_complete

    def answer(self, status: int, body: bytes) -> None:
        """Answer the update that is being taken, and go on with what came behind it."""
        self._taking = False
        if self._wire.is_closing():
            return
        headers = tuple(self.server_state.default_headers)
        self._wire.send(_written(status, body, headers, CLOSE if self._last else b""))
        if self._last:
            self._wire.close()
            return
        self._rest()
        if self._behind:
            data, self._behind = self._behind, b""
            self.transport.resume_reading()
            self.data_received(data)

    def _rest(self) -> None:
        """Keep the connection for the next request, not for ever."""
        self._rested_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that rested for so long; one timer serves many short rests."""
        left = self._rested_since + self.timeout_keep_alive - self.loop.time()
        if self._wire.is_closing():
            return
        if self._taking or left > 0:
            self._look_after(left if left > 0 else self.timeout_keep_alive)
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Close the connection, behind the answer that is still to be given."""
        if self._taking:
            self._last = True
        else:
            super().shutdown()


@lru_cache(maxsize=16)
def _written(status: int, body: bytes, headers: tuple[Header, ...], close: bytes) -> bytes:
    """Write an answer; most are the same for a second, whose date is in the server's headers."""
    head = [STATUS_LINE[status]]
    for name, value in headers:
        head += name, b": ", value, b"\r\n"
    head.append(close)
    head.append(b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
    return b"".join([*head, body])
