"""One POST to one URL, within one deadline; whatever the target does is an answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextvars import ContextVar
from typing import Any

import aiohttp
from yarl import URL

from hookgram.channels.guard import Blocked
from hookgram.core.model import SECOND, Micros
from hookgram.core.outcome import Answer, FailureKind, Outbound, Response, TransportFailure

MOST_READ = 64 * 1024
EXCERPT = 2 * 1024
LONGEST_DETAIL = 200
HEADERS = ("retry-after", "webhook-delivery", "content-type")
LONGEST_HEADER = 1024
BODY_PATIENCE = 1.0
"""Seconds a target gets to end the body of its answer, for its connection to be used again."""

_leaving: ContextVar[list[bool] | None] = ContextVar("leaving", default=None)


class Sending(aiohttp.ClientRequest):
    """A request that says, just before its first byte leaves, that it does."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Send the request on an open connection."""
        mark = _leaving.get()
        if mark is not None:
            mark[0] = True
        return await super().send(conn)


def _credentials(url: URL) -> aiohttp.BasicAuth | None:
    user, password = url.user, url.password
    return None if user is None else aiohttp.BasicAuth(user, password or "")


class HttpChannel:
    """Posts to one URL through a shared session (see ``ports.Channel``)."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        parsed = URL(url, encoded=True)
        self._session = session
        self._url = parsed.with_user(None)
        self._auth = _credentials(parsed)
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._interrupted = False

    async def send(self, outbound: Outbound) -> Answer:
        """Try once within the deadline."""
        mark = [False]
        started = time.perf_counter()
        if self._interrupted:
            return _failure("interrupted", "we are stopping", mark, started)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine runs in a task)
        self._in_flight.add(task)
        try:
            return await self._within(outbound, mark, started)
        except asyncio.CancelledError:
            if not self._was_cut(task):
                raise
            return _failure("interrupted", "cut by our stop", mark, started)
        finally:
            self._in_flight.discard(task)

    def _was_cut(self, task: asyncio.Task[Any]) -> bool:
        """Tell whether our own interrupt cancelled the task, and nobody else did too."""
        return self._interrupted and task.uncancel() == 0

    async def _within(self, outbound: Outbound, mark: list[bool], started: float) -> Answer:
        _leaving.set(mark)
        try:
            async with asyncio.timeout(outbound.timeout / SECOND) as deadline:
                return await self._exchange(outbound, started, deadline)
        except (aiohttp.ClientError, OSError, ValueError, ssl.SSLError) as error:
            kind, detail = _told(error)
            return _failure(kind, detail, mark, started)

    async def _exchange(
        self, outbound: Outbound, started: float, deadline: asyncio.Timeout
    ) -> Response:
        response = await self._session.post(
            self._url,
            data=outbound.body,
            headers=outbound.headers,
            auth=self._auth,
            allow_redirects=False,
        )
        try:
            excerpt = await _excerpt(response, deadline)
        finally:
            response.close()
        return Response(
            status=response.status,
            headers={
                name: response.headers[name][:LONGEST_HEADER]
                for name in HEADERS
                if name in response.headers
            },
            excerpt=excerpt,
            took=_since(started),
        )

    def interrupt(self) -> None:
        """Cut what is in the air; every send returns at once."""
        self._interrupted = True
        for task in list(self._in_flight):
            task.cancel()

    async def close(self) -> None:
        """Do nothing: the session is closed by who opened it."""


async def _excerpt(response: aiohttp.ClientResponse, deadline: asyncio.Timeout) -> bytes:
    """Read the answer's body, a little of it and for a moment only; the answer stands without it.

    A body that ended leaves the connection to be used again; any other is cut.
    """
    when, loop = deadline.when(), asyncio.get_running_loop()
    patience = (
        BODY_PATIENCE if when is None else max(min(BODY_PATIENCE, when - loop.time() - 0.05), 0)
    )
    taken = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in response.content.iter_any():
                taken += chunk[:EXCERPT] if len(taken) < EXCERPT else b""
                if response.content.total_bytes > MOST_READ:
                    break
            else:
                response.release()
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        pass  # the status line and the headers are complete: that is the answer
    return bytes(taken[:EXCERPT])


def _since(started: float) -> Micros:
    return int((time.perf_counter() - started) * SECOND)


def _failure(kind: FailureKind, detail: str, mark: list[bool], started: float) -> TransportFailure:
    return TransportFailure(
        kind=kind, detail=detail[:LONGEST_DETAIL], sent=mark[0], took=_since(started)
    )


def _told(error: Exception) -> tuple[FailureKind, str]:
    """Name an error in our words; the detail holds its class and reason, never a URL."""
    name = type(error).__name__
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    detail = f"{name}: {cause.strerror}" if isinstance(cause, OSError) and cause.strerror else name
    for kind, classes in _KINDS:
        if isinstance(error, classes) or isinstance(cause, classes):
            return kind, detail
    return "protocol", detail


_KINDS: tuple[tuple[FailureKind, tuple[type[Exception], ...]], ...] = (
    ("blocked", (Blocked,)),
    ("timeout", (TimeoutError,)),
    ("dns", (aiohttp.ClientConnectorDNSError, socket.gaierror)),
    ("tls", (aiohttp.ClientSSLError, ssl.SSLError, ssl.CertificateError)),
    ("connect", (aiohttp.ClientConnectorError,)),
    ("reset", (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError, OSError)),
)
"""Looked through in this order: the more particular first."""


def open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """Open a session that adds nothing of its own and follows nothing."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        request_class=Sending,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )
