"""Telegram's endpoint: secret, size, store, answer.

A plain ASGI callable in front of the application, because it is the one hot path. 200 only after
the commit; 503, without ``Retry-After``, only when storing failed; never a 500.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

from msgspec import Struct

from hookgram.core.facts import IngestRejected, TaskFailed
from hookgram.core.model import Bot
from hookgram.errors import StoreError
from hookgram.ports import Notice
from hookgram.usecases.intake import Intake, Taken

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

SECRET_HEADER = b"x-telegram-bot-api-secret-token"
COMMIT_DEADLINE = 10.0
BODY_DEADLINE = 30.0
MOST_WAITING = 64 * 1024 * 1024


class Door(Struct, frozen=True, kw_only=True):
    """One path in: whose updates come here, and the secret they must bring (None: none)."""

    bot: Bot
    secret: str | None


class Rejection(Exception):
    """We answer with something else than 200. ``entire``: the body was read to its end."""

    def __init__(self, status: int, reason: str, *, entire: bool = False) -> None:
        self.status = status
        self.reason = reason
        self.entire = entire
        super().__init__(reason)


class Disconnected(Exception):
    """The client went away in the middle of its body."""


class Ingest:
    """Takes posts at its doors and hands everything else to *inner*.

    *max_body* is the largest body in bytes; *most_waiting* bounds all bodies that are being read or
    committed at once.
    """

    def __init__(
        self,
        inner: Asgi,
        doors: Mapping[str, Door],
        intake: Intake,
        *,
        max_body: int,
        notice: Notice,
        most_waiting: int = MOST_WAITING,
        commit_deadline: float = COMMIT_DEADLINE,
        body_deadline: float = BODY_DEADLINE,
    ) -> None:
        self._inner = inner
        self._doors = dict(doors)
        self._intake = intake
        self._max_body = max_body
        self._most_waiting = most_waiting
        self._commit_deadline = commit_deadline
        self._body_deadline = body_deadline
        self._notice = notice
        self._waiting = 0
        self._commits: set[asyncio.Task[Taken]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI)."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            await self._inner(scope, receive, send)
            return
        if scope["method"] != "POST":
            await _answer(send, 405, b'{"ok":false,"error":"POST only"}', [(b"allow", b"POST")])
            return
        try:
            await self._take(door, scope, receive)
        except Rejection as rejection:
            self._notice(
                IngestRejected(bot=door.bot.name, status=rejection.status, reason=rejection.reason)
            )
            close = [] if rejection.entire else [(b"connection", b"close")]
            body = b'{"ok":false,"error":"%s"}' % rejection.reason.encode()
            await _answer(send, rejection.status, body, close)
        except Disconnected:
            return
        else:
            await _answer(send, 200, b'{"ok":true}')

    async def _take(self, door: Door, scope: Scope, receive: Receive) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        _check_secret(door, headers)
        self._check_length(headers)
        body = bytearray()
        try:
            try:
                async with asyncio.timeout(self._body_deadline):
                    await self._read(receive, body)
            except TimeoutError:
                raise Rejection(408, "the body took too long") from None
            taken = await self._keep(door, bytes(body))
        finally:
            self._waiting -= len(body)
        if taken is Taken.UNREADABLE:
            raise Rejection(400, "not an update", entire=True)

    def _check_length(self, headers: list[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self._max_body:
                raise Rejection(413, "the body is too large")

    async def _read(self, receive: Receive, body: bytearray) -> None:
        """Read the body, counting while it comes."""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            if len(body) + len(chunk) > self._max_body:
                raise Rejection(413, "the body is too large")
            if self._waiting + len(chunk) > self._most_waiting:
                raise Rejection(503, "too much is waiting to be stored")
            body += chunk
            self._waiting += len(chunk)
            more = message.get("more_body", False)

    async def _keep(self, door: Door, body: bytes) -> Taken:
        """Have it stored within the deadline; a commit that takes longer goes on without us."""
        commit = asyncio.ensure_future(
            self._intake.take(door.bot, body, trusted=door.secret is not None)
        )
        self._commits.add(commit)
        commit.add_done_callback(self._committed)
        try:
            async with asyncio.timeout(self._commit_deadline):
                return await asyncio.shield(commit)
        except TimeoutError:
            raise Rejection(503, "storing took too long", entire=True) from None
        except StoreError as error:
            raise Rejection(503, "could not store", entire=True) from error
        except Exception as error:
            self._notice(TaskFailed(where="ingest", error=traceback.format_exc()))
            raise Rejection(503, "could not store", entire=True) from error

    def _committed(self, commit: asyncio.Task[Taken]) -> None:
        self._commits.discard(commit)
        if not commit.cancelled():
            commit.exception()  # told already to whoever waited; nobody else asks


def _check_secret(door: Door, headers: list[tuple[bytes, bytes]]) -> None:
    """Compare bytes in constant time, before the body is read. Raises Rejection 403."""
    if door.secret is None:
        return
    given = [value for name, value in headers if name == SECRET_HEADER]
    expected = hashlib.sha256(door.secret.encode()).digest()
    offered = hashlib.sha256(given[0] if given else b"").digest()
    if len(given) != 1 or not hmac.compare_digest(expected, offered):
        raise Rejection(403, "wrong or missing secret")


async def _answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": head + (headers or [])})
    await send({"type": "http.response.body", "body": body})
