"""A sample target: an HTTP server that answers as it is told and writes down what came."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from typing import Any, Self, TypeAlias, cast

import httptools
from msgspec import Struct

from hookgram.demo.journal import Journal
from hookgram.demo.rules import member_of, payload_of

ACCEPTING = 4
"""Turns of the loop that asyncio takes, at most, from a connection's arrival to telling of it."""
CLOSING = 5.0
"""Seconds that dropped connections get to be gone."""


class Request(Struct, frozen=True):
    """One request as it came. Header names are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Response(Struct, frozen=True):
    """What to answer; ``status`` 0 closes the connection without a word; ``delay``: seconds."""

    status: int = 200
    delay: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"


Behaviour: TypeAlias = Callable[[Request], Response]


def healthy(_: Request) -> Response:
    """Take everything at once."""
    return Response()


class Receiver:
    """Listens on a port of 127.0.0.1 from ``open`` to ``shut``, as often as wanted; the port stays.

    Each request is in the journal just before it is answered, with status 0 if it never was: a
    2xx stands there only if it went out. ``count`` counts them as they come. *secret* checks
    ``X-Gateway-Signature``.
    """

    def __init__(
        self,
        name: str,
        journal: Journal,
        *,
        behaviour: Behaviour = healthy,
        secret: str | None = None,
    ) -> None:
        self.name = name
        self.behaviour = behaviour
        self.journal = journal
        self.count = 0
        self._secret = secret
        self._port = 0
        self._held: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it receives."""
        return f"http://127.0.0.1:{self._port}/{self.name}"

    @property
    def listens(self) -> bool:
        """Whether it takes connections now."""
        return self._server is not None

    @property
    def idle(self) -> bool:
        """Whether no connection is open."""
        return not self._connections

    async def open(self) -> None:
        """Listen; on the same port as before."""
        if self._held is None:
            # Never listens: while we are shut it keeps the port from everybody else, clients too.
            self._held = _bound(0)
            self._port = self._held.getsockname()[1]
        listening = _bound(self._port)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=listening)

    async def shut(self) -> None:
        """Stop listening and drop every connection, as a target that goes down does."""
        if self._server is not None:
            server, self._server = self._server, None
            await _settle(server)
            server.close()
            for connection in list(self._connections):
                connection.drop()
            await self.until(lambda: self.idle, CLOSING)
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()
        if self._held is not None:
            self._held.close()
            self._held = None

    async def until(self, fact: Callable[[], bool], deadline: float) -> None:
        """Wait until *fact* is true, looking after each request; *deadline* seconds at most."""
        async with asyncio.timeout(deadline):
            while not fact():
                self._changed.clear()
                await self._changed.wait()

    def take(self, request: Request) -> Response:
        """Count a request and say what to answer."""
        self.count += 1
        self._changed.set()
        return self.behaviour(request)

    def record(self, request: Request, status: int) -> None:
        """Write down what a request is answered with now; 0: with nothing."""
        self.journal.note("received", status=status, **_seen(request, self._secret))
        self._changed.set()

    def joined(self, connection: _Connection) -> None:
        """Know an open connection; one that was accepted just before we shut is dropped."""
        self._connections.add(connection)
        if not self.listens:
            connection.drop()

    def left(self, connection: _Connection) -> None:
        """Forget a closed connection."""
        self._connections.discard(connection)
        self._changed.set()


def _seen(request: Request, secret: str | None) -> dict[str, Any]:
    """Return what the ledger needs of a request, its payload only as a digest."""
    body, headers = request.body, request.headers
    expected = hmac.digest(secret.encode(), body, "sha256").hex() if secret else None
    fields = _fields(body)
    return {
        "id": headers.get("webhook-id"),
        "attempt": int(headers.get("x-gateway-attempt", "0")),
        "replay_of": headers.get("x-gateway-replay"),
        "signed": expected is None or headers.get("x-gateway-signature") == expected,
        **{name: fields.get(name) for name in ("update_id", "bot_id", "chat_id", "user_id")},
        "kind": fields.get("event"),
        "raw_sha256": hashlib.sha256(_raw(body, fields)).hexdigest(),
    }


def _fields(body: bytes) -> dict[str, Any]:
    """Read the body's members, strings a character for each byte; none of what is no object."""
    try:
        fields = json.loads(body.decode("latin-1"), strict=False)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _raw(body: bytes, fields: dict[str, Any]) -> bytes:
    """Return what Telegram sent, as it came: the payload, or all of what could not be read."""
    if "raw_base64" in fields:
        return base64.b64decode(fields["raw_base64"])
    return member_of(body, "raw") if "event" in fields else payload_of(body)


async def _settle(server: asyncio.Server) -> None:
    """Accept no more, and let asyncio end what it accepts: it leaks what it meets when closed."""
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(ACCEPTING):
        await asyncio.sleep(0)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    # Not SO_REUSEADDR: with it anybody could bind a port that nobody listens on.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class _Connection(asyncio.Protocol):
    """One connection: requests one after another, answered in their order."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._pending: tuple[asyncio.TimerHandle, Request] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no instance of it
        self._receiver.joined(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._receiver.left(self)
        self._forsake()
        self._transport = None

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        self._forsake()
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.drop()

    def on_message_begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._path = ""

    def on_url(self, url: bytes) -> None:
        self._path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        request = Request(self._path, self._headers, bytes(self._body))
        response = self._receiver.take(request)
        if response.delay:
            loop = asyncio.get_running_loop()
            later = loop.call_later(response.delay, self._answer, request, response)
            self._pending = (later, request)
        else:
            self._answer(request, response)

    def _forsake(self) -> None:
        """Record that nobody will hear the answer that was still to come."""
        if self._pending is not None:
            later, request = self._pending
            self._pending = None
            later.cancel()
            self._receiver.record(request, 0)

    def _answer(self, request: Request, response: Response) -> None:
        self._pending = None
        if self._transport is None:
            return
        status = 0 if self._transport.is_closing() else response.status
        self._receiver.record(request, status)
        if status == 0:
            self.drop()
            return
        lines = [f"HTTP/1.1 {response.status} Answer", f"Content-Length: {len(response.body)}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + response.body)
