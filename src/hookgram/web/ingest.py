"""Telegram's endpoint: secret, size, store, answer.

A plain ASGI callable in front of the application, because it is the one hot path. 200 only after
the commit; 503, without ``Retry-After``, only when storing failed; never a 500. A deadline answers
from a timer instead of cancelling: nothing that is being committed is ever cut off, and a timer is
the cheapest there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import traceback
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from hookgram.core.definition import Bot
from hookgram.core.facts import IngestRejected, TaskFailed
from hookgram.errors import StoreError
from hookgram.ports import Notice
from hookgram.usecases.intake import Intake, Taken
from hookgram.web.bodies import Bodies
from hookgram.web.exchange import (
    Asgi,
    Disconnected,
    Exchange,
    Header,
    Receive,
    Rejection,
    Scope,
    Send,
)

__all__ = ["Asgi", "Door", "Ingest"]

SECRET_HEADER = b"x-telegram-bot-api-secret-token"
BODY_DEADLINE = 30.0
COMMIT_DEADLINE = 10.0
SLOW_BODY = Rejection(408, "the body took too long")
SLOW_COMMIT = Rejection(503, "storing took too long", entire=True)
STORED = b'{"ok":true}'
"""The answer to what we took. A key ``method`` in it would be a call that Telegram executes."""


class Door(Struct, frozen=True, kw_only=True):
    """One path in: whose updates come here, and the secret they bring (None: none is asked)."""

    bot: Bot
    secret: str | None

    def __repr__(self) -> str:
        """Show the bot and whether there is a secret, not the secret."""
        return f"Door({self.bot.name!r}, secret={'set' if self.secret else 'none'})"


class Ingest:
    """Takes posts at its doors and hands everything else to *inner*. Deadlines are in seconds."""

    def __init__(
        self,
        inner: Asgi,
        doors: Mapping[str, Door],
        intake: Intake,
        *,
        bodies: Bodies,
        notice: Notice,
        body_deadline: float = BODY_DEADLINE,
        commit_deadline: float = COMMIT_DEADLINE,
    ) -> None:
        self._inner = inner
        self._doors = dict(doors)
        self._intake = intake
        self._bodies = bodies
        self._notice = notice
        self._body_deadline = body_deadline
        self._commit_deadline = commit_deadline
        self._answering: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI)."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            await self._inner(scope, receive, send)
            return
        exchange = Exchange(receive, send)
        if scope["method"] != "POST":
            await _only_post(exchange, scope["headers"])
            return
        try:
            await self._take(door, scope["headers"], exchange)
        except Rejection as rejection:
            await self._reject(door, exchange, rejection)
        except StoreError:
            await self._reject(door, exchange, Rejection(503, "could not store", entire=True))
        except Disconnected:
            return
        except Exception:  # noqa: BLE001 - Telegram asks again; what it was is told
            self._notice(TaskFailed(where="ingest", error=traceback.format_exc()))
            await self._reject(door, exchange, Rejection(503, "could not store"))
        else:
            await exchange.answer(200, STORED)

    async def _take(self, door: Door, headers: list[Header], exchange: Exchange) -> None:
        """Take one update. Raises Rejection, StoreError, or Disconnected."""
        _check_secret(door, headers)
        self._bodies.check_length(headers)
        call_later = asyncio.get_running_loop().call_later
        slow = call_later(self._body_deadline, self._give_up, door, exchange, SLOW_BODY)
        try:
            body = await self._bodies.read(exchange.receive)
        finally:
            slow.cancel()
        slow = call_later(self._commit_deadline, self._give_up, door, exchange, SLOW_COMMIT)
        try:
            taken = await self._intake.take(door.bot, body, trusted=door.secret is not None)
        finally:
            slow.cancel()
            self._bodies.release(body)
        if taken is Taken.UNREADABLE:
            raise Rejection(400, "not an update", entire=True)

    def _give_up(self, door: Door, exchange: Exchange, rejection: Rejection) -> None:
        """Answer while the request goes on.

        A commit that was too slow for the answer still ends, and the update is a duplicate when it
        comes again. One that still waits for its body learns that the connection was closed.
        """
        answering = asyncio.create_task(self._reject(door, exchange, rejection, linger=False))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _reject(
        self, door: Door, exchange: Exchange, rejection: Rejection, *, linger: bool = True
    ) -> None:
        if not exchange.answered:
            fact = IngestRejected(
                bot=door.bot.name, status=rejection.status, reason=rejection.reason
            )
            self._notice(fact)
            await exchange.reject(rejection, linger=linger)


def _check_secret(door: Door, headers: list[Header]) -> None:
    """Compare bytes in constant time, before the body is read. Raises Rejection 403."""
    if door.secret is None:
        return
    given = [value for name, value in headers if name == SECRET_HEADER]
    expected = _digest(door.secret)
    offered = hashlib.sha256(given[0] if given else b"").digest()
    if len(given) != 1 or not hmac.compare_digest(expected, offered):
        raise Rejection(403, "wrong or missing secret")


@lru_cache(maxsize=64)
def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def _only_post(exchange: Exchange, headers: list[Header]) -> None:
    body_follows = any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)
    wrong = Rejection(405, "only POST is taken here", entire=not body_follows)
    await exchange.reject(wrong, [(b"allow", b"POST")])
