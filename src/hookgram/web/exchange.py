"""One HTTP exchange as ASGI sees it: types, an answer, and a rejection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

LINGER = 1.0
"""Seconds that we read on after a rejection, for nothing but a clean end."""


class Rejection(Exception):
    """We answer with something else than 200. ``entire``: the body was read to its end."""

    def __init__(self, status: int, reason: str, *, entire: bool = False) -> None:
        self.status = status
        self.reason = reason
        self.entire = entire
        super().__init__(reason)


class Disconnected(Exception):
    """The client went away before its body had come."""


async def answer(send: Send, status: int, body: bytes, headers: Sequence[Header] = ()) -> None:
    """Send a whole answer of JSON; the connection stays open."""
    await _start(send, status, body, headers)
    await send({"type": "http.response.body", "body": body})


async def reject(
    receive: Receive, send: Send, rejection: Rejection, headers: Sequence[Header] = ()
) -> None:
    """Answer a rejection, and close the connection if there is more to come on it.

    The answer is written first and the rest read for a moment: to close a connection on which bytes
    are unread resets it, and the other side might never see why.
    """
    body = b'{"ok":false,"error":"%s"}' % rejection.reason.encode()
    if rejection.entire:
        await answer(send, rejection.status, body, headers)
        return
    await _start(send, rejection.status, body, (*headers, (b"connection", b"close")))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await _drain(receive)
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, body: bytes, headers: Sequence[Header]) -> None:
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*head, *headers]})


async def _drain(receive: Receive) -> None:
    """Read on to the end of the body, or of the connection, or of our patience."""
    try:
        async with asyncio.timeout(LINGER):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
