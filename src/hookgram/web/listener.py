"""The HTTP server: uvicorn, told when to stop by us instead of by signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hookgram.web.exchange import Asgi

KEEP_ALIVE = 75
"""Seconds. Telegram closes idle connections after 60; closing first would cut its requests off."""

DRAIN = 5
"""Seconds that requests under way get once the listeners are closed; event streams end then too."""

HEAD_DEADLINE = 20.0
"""Seconds that the head of a request may take, from its first byte or the connection's start."""

LARGEST_HEAD = 64 * 1024
"""Bytes. Telegram's heads fit into 4096."""


class Connection(HttpToolsProtocol):
    """A connection on which heads of requests are limited, which uvicorn does not do."""

    _in_head = True
    _head = 0
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
        """Count what comes before the head of a request is complete."""
        self._head += len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._head > LARGEST_HEAD:
            self.send_400_response("The head of the request is too large.")
        elif self._patience is None and self._head:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Go on to the next request."""
        self._in_head = True
        self._head = 0
        super().on_message_complete()

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
