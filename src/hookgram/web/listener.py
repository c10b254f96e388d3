"""The HTTP server: uvicorn, told when to stop by us instead of by signals."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from hookgram.web.connection import Connection
from hookgram.web.exchange import Asgi

KEEP_ALIVE = 75
"""Seconds. Telegram closes idle connections after 60; closing first would cut its requests off."""

DRAIN = 5
"""Seconds that requests under way get once the listeners are closed; event streams end then too."""


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
