"""Telegram's doors where nobody takes updates: whoever posts here is told, and so is the log."""

from __future__ import annotations

from collections.abc import Mapping

from hookgram.core.facts import IngestRejected
from hookgram.ports import Notice
from hookgram.web.door import Door
from hookgram.web.exchange import Asgi, Exchange, Receive, Rejection, Scope, Send

NOT_HERE = Rejection(404, "this process takes no updates: its role is worker")


class Closed:
    """Answers 404 at its doors, which Telegram retries, and hands everything else to *inner*."""

    def __init__(self, inner: Asgi, doors: Mapping[str, Door], notice: Notice) -> None:
        self._inner = inner
        self._doors = dict(doors)
        self._notice = notice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI)."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            await self._inner(scope, receive, send)
            return
        status, reason = NOT_HERE.status, NOT_HERE.reason
        self._notice(IngestRejected(bot=door.bot.name, status=status, reason=reason))
        await Exchange(receive, send).reject(NOT_HERE)
