"""The HTTP server: uvicorn, told when to stop by us instead of by signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hookgram.web.exchange import Asgi
from hookgram.web.transport import Together

KEEP_ALIVE = 75
"""Seconds. Telegram closes idle connections after 60; closing first would cut its requests off."""

DRAIN = 5
"""Seconds that requests under way get once the listeners are closed; event streams end then too."""

HEAD_DEADLINE = 20.0
"""Seconds that the head of a request may take, from its first byte or the connection's start."""

LARGEST_HEAD = 64 * 1024
"""Bytes that may come without one of a body in them. Telegram's heads fit into 4096."""


class Connection(HttpToolsProtocol):
    """A connection on which all but bodies is limited, which uvicorn does not do.

    That is heads, the extensions of chunks, and trailers; nobody needs trailers, so they are
    dropped.
    """

    _in_head = True
    _bodiless = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, not for ever."""
        super().connection_made(Together(transport, self.loop))
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
        elif self._in_head and self._patience is None and self._bodiless:
            self._wait_for_head()

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


class Listener(uvicorn.Server):
    """Serves an ASGI application on a bound socket until ``should_exit`` is set."""

    def __init__(self, app: Asgi) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=DRAIN,
                proxy_headers=False,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs us."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening address. Raises OSError, for instance when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(False)
    return bound
