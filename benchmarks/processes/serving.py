"""Runs an ASGI application on the gateway's own server, on a free port that it prints."""

from __future__ import annotations

import asyncio
import signal

from hookgram.web.exchange import Asgi
from hookgram.web.listener import Listener, bind


async def serve(app: Asgi) -> None:
    """Serve until SIGTERM."""
    bound = bind("127.0.0.1", 0)
    listener = Listener(app)

    def stop() -> None:
        listener.should_exit = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    print(bound.getsockname()[1], flush=True)  # noqa: T201
    with bound:
        await listener.serve(sockets=[bound])
