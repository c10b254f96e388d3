"""An ASGI application that is built when its server starts and ended when it stops."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from hookgram.errors import GatewayError
from hookgram.web.exchange import Asgi, Receive, Scope, Send


def with_lifespan(
    start: Callable[[AsyncExitStack], Awaitable[Asgi]], *, shown: Callable[[str], str] = str
) -> Asgi:
    """Return an application that serves what *start* returns; the stack is unwound at the end.

    Whatever is raised at the start is told to the server, which then refuses to run: an exception
    it would take for an application without a lifespan, and go on with nothing behind it. *shown*
    masks what the server prints of it.
    """
    inner: Asgi | None = None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif inner is not None:
            await inner(scope, receive, send)
        else:
            raise RuntimeError("run the server with its lifespan on")

    async def live(receive: Receive, send: Send) -> None:
        nonlocal inner
        phase = "startup"
        try:
            async with AsyncExitStack() as stack:
                await receive()
                inner = await start(stack)
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except GatewayError as error:
            await send({"type": f"lifespan.{phase}.failed", "message": shown(str(error))})
        except Exception:  # noqa: BLE001 - the server is told, and ends
            message = shown(traceback.format_exc())
            await send({"type": f"lifespan.{phase}.failed", "message": message})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    return app
