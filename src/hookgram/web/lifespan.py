"""An ASGI application that is built when its server starts and ended when it stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from hookgram.errors import GatewayError
from hookgram.web.ingest import Asgi, Receive, Scope, Send


def with_lifespan(start: Callable[[AsyncExitStack], Awaitable[Asgi]]) -> Asgi:
    """Return an application that serves what *start* returns; the stack is unwound at the end.

    A GatewayError at the start is told to the server, which then refuses to run.
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
        await receive()
        async with AsyncExitStack() as stack:
            try:
                inner = await start(stack)
            except GatewayError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app
