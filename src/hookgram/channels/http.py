"""One POST to one URL, within one deadline; whatever the target does is an answer."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from hookgram.channels.troubles import told
from hookgram.channels.wire import Parcel
from hookgram.core.model import SECOND, Micros
from hookgram.core.outcome import Answer, FailureKind, Outbound, Response, TransportFailure
from hookgram.core.verdict import redirect_host

EXCERPT = 2 * 1024
HEADERS = ("retry-after", "webhook-delivery", "content-type")
LONGEST_HEADER = 1024
BODY_PATIENCE = 1.0
"""Seconds a target gets to end the body of its answer, for its connection to be used again."""
WHOLE_PATIENCE = 15.0
"""The same, where the body is wanted whole."""


class HttpChannel:
    """Posts to one URL through a shared session (see ``ports.Channel``).

    A send whose answer has a complete status line and headers returns that answer, also when its
    body never ends, or when it is interrupted while reading the body.

    Raises ValueError if the URL is none. Credentials in it become Basic authorization.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url, self._authorization = _parsed(url)
        self._under_way: set[asyncio.Timeout] = set()
        self._interrupted = False

    async def send(self, outbound: Outbound) -> Answer:
        """Try once within the deadline."""
        started = time.perf_counter()
        parcel = self._parcel(outbound)
        if self._interrupted:
            return _failure("interrupted", "we are stopping", parcel, started)
        deadline = asyncio.timeout(outbound.timeout / SECOND)
        self._under_way.add(deadline)
        try:
            async with deadline:
                response = await self._post_surely(parcel)
        except (aiohttp.ClientError, OSError) as error:
            if deadline.expired():
                return self._cut(outbound, parcel, started)
            return _failure(*told(error), parcel, started)
        finally:
            self._under_way.discard(deadline)
        body, whole = await self._body(response, outbound, started)
        if "content-encoding" in response.headers:
            body, whole = b"", False
        return Response(
            status=response.status,
            headers=_kept(response),
            excerpt=body[:EXCERPT],
            body=body if whole and 0 < len(body) <= outbound.whole else None,
            took=_micros(started),
        )

    def _parcel(self, outbound: Outbound) -> Parcel:
        # With the body, not beside it: headers that a session is given are gone through thrice.
        headers = outbound.headers
        if self._authorization is not None:
            headers = {**headers, "Authorization": self._authorization}
        return Parcel(headers, outbound.body, outbound.whole)

    async def _post_surely(self, parcel: Parcel) -> aiohttp.ClientResponse:
        """Post; once more if a kept connection was closed before a byte of it had left."""
        try:
            return await self._post(parcel)
        except aiohttp.ClientConnectionError:
            if not parcel.late:
                raise
            return await self._post(parcel)

    def _post(self, parcel: Parcel) -> Awaitable[aiohttp.ClientResponse]:
        return self._session.post(self._url, data=parcel, allow_redirects=False)

    def _cut(self, outbound: Outbound, parcel: Parcel, started: float) -> TransportFailure:
        if self._interrupted:
            return _failure("interrupted", "cut by our stop", parcel, started)
        seconds = outbound.timeout / SECOND
        return _failure("timeout", f"no answer within {seconds:g} s", parcel, started)

    async def _body(
        self, response: aiohttp.ClientResponse, outbound: Outbound, started: float
    ) -> tuple[bytes, bool]:
        """Read what comes of the body, and whether it came whole; the answer stands without it.

        A body that ended leaves the connection to be used again; any other is cut.
        """
        content = response.content
        if content.is_eof():
            return content.read_nowait(), True
        taken = bytearray()
        longest = WHOLE_PATIENCE if outbound.whole else BODY_PATIENCE
        patience = asyncio.timeout(min(longest, (outbound.timeout - _micros(started)) / SECOND))
        self._under_way.add(patience)
        try:
            async with patience:
                while not content.at_eof():  # the reader cuts a long one
                    taken += await content.readany()
        except (aiohttp.ClientError, HttpProcessingError, OSError):
            return bytes(taken), False  # the head is complete: that is the answer
        finally:
            self._under_way.discard(patience)
            if not content.is_eof():
                response.close()
        return bytes(taken), True

    def interrupt(self) -> None:
        """Cut what is in the air; every send returns at once, later ones too."""
        self._interrupted = True
        now = asyncio.get_running_loop().time()
        for wait in self._under_way:
            if not wait.expired():
                wait.reschedule(now)

    async def close(self) -> None:
        """Do nothing: connections belong to the session, which its opener closes."""


def _parsed(url: str) -> tuple[URL, str | None]:
    """Split a URL into where to post and how to authorize; its path and query stay as written."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an HTTP URL")
    origin = URL.build(scheme=parts.scheme, host=parts.hostname, port=parts.port)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # Only what cannot stand in a request line is written as %XX; the rest is the target's business.
    sent = "".join(c if "!" <= c <= "~" else quote(c) for c in target)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    place = URL(str(origin).rstrip("/") + sent, encoded=True)
    return place, f"Basic {pair}" if user or password else None


def _kept(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Keep the headers a verdict needs, in bounds; of a redirect the host only."""
    headers, kept = response.headers, dict[str, str]()
    for name in HEADERS:
        if name in headers:
            kept[name] = headers[name][:LONGEST_HEADER].encode("ascii", "replace").decode()
    host = redirect_host(headers["location"]) if "location" in headers else None
    if host:
        kept["location"] = f"//{host}"
    return kept


def _micros(started: float) -> Micros:
    return int((time.perf_counter() - started) * SECOND)


def _failure(kind: FailureKind, detail: str, parcel: Parcel, started: float) -> TransportFailure:
    return TransportFailure(kind=kind, detail=detail, sent=parcel.left, took=_micros(started))
