"""Telegram's endpoint: secret, size, store, answer.

A plain ASGI callable in front of the application, because it is the one hot path. 200 only after
the commit; 503, without ``Retry-After``, only when storing failed; never a 500.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import traceback
from collections.abc import Mapping

from msgspec import Struct

from hookgram.core.facts import IngestRejected, TaskFailed
from hookgram.core.model import Bot
from hookgram.errors import StoreError
from hookgram.ports import Notice
from hookgram.usecases.intake import Intake, Taken
from hookgram.web.bodies import Bodies
from hookgram.web.exchange import (
    Asgi,
    Disconnected,
    Header,
    Receive,
    Rejection,
    Scope,
    Send,
    answer,
    reject,
)

__all__ = ["Asgi", "Door", "Ingest"]

SECRET_HEADER = b"x-telegram-bot-api-secret-token"
COMMIT_DEADLINE = 10.0
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
    """Takes posts at its doors and hands everything else to *inner*."""

    def __init__(
        self,
        inner: Asgi,
        doors: Mapping[str, Door],
        intake: Intake,
        *,
        bodies: Bodies,
        notice: Notice,
        commit_deadline: float = COMMIT_DEADLINE,
    ) -> None:
        self._inner = inner
        self._doors = dict(doors)
        self._intake = intake
        self._bodies = bodies
        self._notice = notice
        self._commit_deadline = commit_deadline
        self._commits: set[asyncio.Task[Taken]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI)."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            await self._inner(scope, receive, send)
            return
        if scope["method"] != "POST":
            await _only_post(scope["headers"], receive, send)
            return
        try:
            await self._take(door, scope["headers"], receive)
        except Rejection as rejection:
            await self._reject(door, receive, send, rejection)
        except StoreError:
            failed = Rejection(503, "could not store", entire=True)
            await self._reject(door, receive, send, failed)
        except Disconnected:
            return
        except Exception:  # noqa: BLE001 - Telegram asks again; what it was is told
            self._notice(TaskFailed(where="ingest", error=traceback.format_exc()))
            await self._reject(door, receive, send, Rejection(503, "could not store"))
        else:
            await answer(send, 200, STORED)

    async def _reject(self, door: Door, receive: Receive, send: Send, rejection: Rejection) -> None:
        self._notice(
            IngestRejected(bot=door.bot.name, status=rejection.status, reason=rejection.reason)
        )
        await reject(receive, send, rejection)

    async def _take(self, door: Door, headers: list[Header], receive: Receive) -> None:
        """Take one update. Raises Rejection, StoreError, or Disconnected."""
        _check_secret(door, headers)
        self._bodies.check_length(headers)
        body = await self._bodies.read(receive)
        taken = await self._keep(door, body)
        if taken is Taken.UNREADABLE:
            raise Rejection(400, "not an update", entire=True)

    async def _keep(self, door: Door, body: bytes) -> Taken:
        """Have it stored within the deadline; a commit that takes longer goes on without us."""
        commit = asyncio.create_task(
            self._intake.take(door.bot, body, trusted=door.secret is not None)
        )
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)
        commit.add_done_callback(lambda _: self._bodies.release(body))
        try:
            await asyncio.wait((commit,), timeout=self._commit_deadline)
        finally:
            if not commit.done():
                commit.add_done_callback(self._ended_alone)
        if not commit.done():
            raise Rejection(503, "storing took too long", entire=True)
        return commit.result()

    def _ended_alone(self, commit: asyncio.Task[Taken]) -> None:
        """Look at a commit that nobody waits for any more; the store tells of its own trouble."""
        error = None if commit.cancelled() else commit.exception()
        if error is not None and not isinstance(error, StoreError):
            text = "".join(traceback.format_exception(error))
            self._notice(TaskFailed(where="ingest", error=text))


def _check_secret(door: Door, headers: list[Header]) -> None:
    """Compare bytes in constant time, before the body is read. Raises Rejection 403."""
    if door.secret is None:
        return
    given = [value for name, value in headers if name == SECRET_HEADER]
    expected = hashlib.sha256(door.secret.encode()).digest()
    offered = hashlib.sha256(given[0] if given else b"").digest()
    if len(given) != 1 or not hmac.compare_digest(expected, offered):
        raise Rejection(403, "wrong or missing secret")


async def _only_post(headers: list[Header], receive: Receive, send: Send) -> None:
    body_follows = any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)
    wrong = Rejection(405, "only POST is taken here", entire=not body_follows)
    await reject(receive, send, wrong, [(b"allow", b"POST")])
