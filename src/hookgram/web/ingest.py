"""Telegram's endpoint: secret, size, store, answer.

A plain ASGI callable in front of the application, because it is the one hot path; our own server
gives it what is there whole without ASGI. 200 only after the commit; 503, without ``Retry-After``,
only when storing failed; never a 500.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping
from functools import partial

from hookgram.core.facts import TaskFailed
from hookgram.ports import Notice
from hookgram.usecases.intake import Intake
from hookgram.web.bodies import Bodies
from hookgram.web.deadlines import Deadlines
from hookgram.web.door import Door
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
from hookgram.web.keeping import SLOW_COMMIT, STORED, Keeping
from hookgram.web.whole import Heads, Request

BODY_DEADLINE = 30.0
COMMIT_DEADLINE = 10.0
SLOW_BODY = Rejection(408, "the body took too long")


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
        self._bodies = bodies
        self.keeping = Keeping(intake, bodies, notice, commit_deadline)
        self._notice = notice
        self._slow_bodies = Deadlines(body_deadline)
        self.heads = Heads()
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
            rejection = await self._take(door, scope["headers"], exchange)
        except Rejection as early:
            rejection = early
        except Disconnected:
            return
        except Exception:  # noqa: BLE001 - Telegram asks again; what it was is told
            self._notice(TaskFailed(where="ingest", error=traceback.format_exc()))
            rejection = Rejection(503, "could not store")
        if rejection is None:
            await exchange.answer(200, STORED)
        else:
            await self._reject(door, exchange, rejection)

    def let_in(self, request: Request) -> Door | None:
        """Return the door of a request that is there whole, and count its body as waiting.

        None if it may not come in just so: then it is served as any other, and told why.
        """
        door = self._doors.get(request.url.decode("latin-1"))
        if door is None or not door.opens_to(request.headers):
            return None
        try:
            self._bodies.add(request.body)
        except Rejection:
            return None
        return door

    async def _take(
        self, door: Door, headers: list[Header], exchange: Exchange
    ) -> Rejection | None:
        """Take one update, or tell why it is rejected. Raises Disconnected, and Rejection too."""
        if not door.opens_to(headers):
            raise Rejection(403, "wrong or missing secret")
        self._bodies.check_length(headers)
        wait = self._slow_bodies.begin(partial(self._give_up, door, exchange, SLOW_BODY))
        try:
            body = await self._bodies.read(exchange.receive)
        finally:
            self._slow_bodies.end(wait)
        late = partial(self._give_up, door, exchange, SLOW_COMMIT)
        return await self.keeping.keep(door, body, late)

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
            self.keeping.tell(door, rejection)
            await exchange.reject(rejection, linger=linger)


async def _only_post(exchange: Exchange, headers: list[Header]) -> None:
    body_follows = any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)
    wrong = Rejection(405, "only POST is taken here", entire=not body_follows)
    await exchange.reject(wrong, [(b"allow", b"POST")])
