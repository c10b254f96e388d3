"""One HTTP exchange as ASGI sees it: a request, and an answer that is given once."""

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

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return b'{"ok":false,"error":"%s"}' % self.reason.encode()


class Disconnected(Exception):
    """The client went away before its body had come."""


class Exchange:
    """A request and its answer. Whatever is answered after the first answer is not sent."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self._send = send
        self.answered = False

    async def answer(self, status: int, body: bytes, headers: Sequence[Header] = ()) -> None:
        """Send a whole answer of JSON; the connection stays open."""
        if self.answered:
            return
        self.answered = True
        await self._send(_head(status, body, headers))
        await self._send({"type": "http.response.body", "body": body})

    async def reject(
        self, rejection: Rejection, headers: Sequence[Header] = (), *, linger: bool = True
    ) -> None:
        """Answer a rejection, and close the connection if there is more to come on it.

        With *linger* the rest is read for a moment after the answer: to close a connection on which
        bytes are unread resets it, and the other side might never see why.
        """
        body = rejection.body
        if rejection.entire:
            await self.answer(rejection.status, body, headers)
            return
        if self.answered:
            return
        self.answered = True
        await self._send(_head(rejection.status, body, (*headers, (b"connection", b"close"))))
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        if linger:
            await self._drain()
        await self._send({"type": "http.response.body", "body": b""})

    async def _drain(self) -> None:
        """Read on to the end of the body, or of the connection, or of our patience."""
        try:
            async with asyncio.timeout(LINGER):
                while (await self.receive()).get("more_body", False):
                    pass
        except TimeoutError:
            return


def _head(status: int, body: bytes, headers: Sequence[Header]) -> Message:
    kind = (b"content-type", b"application/json")
    length = (b"content-length", b"%d" % len(body))
    return {"type": "http.response.start", "status": status, "headers": [kind, length, *headers]}
