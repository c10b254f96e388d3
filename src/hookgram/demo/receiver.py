"""A sample target: an HTTP server that answers as it is told and writes down what came."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from typing import Any, Self, TypeAlias

import httptools
from msgspec import Struct

from hookgram.demo.journal import Journal
from hookgram.demo.rules import member_of


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

    Each request is in the journal before it is answered. *secret* checks ``X-Gateway-Signature``.
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
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it receives."""
        return f"http://127.0.0.1:{self._port}/{self.name}"

    async def open(self) -> None:
        """Listen; on the same port as before."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=listening)

    async def shut(self) -> None:
        """Stop listening and drop every connection, as a target that goes down does."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.drop()
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def until(self, fact: Callable[[], bool], deadline: float) -> None:
        """Wait until *fact* is true, looking after each request; *deadline* seconds at most."""
        async with asyncio.timeout(deadline):
            while not fact():
                self._changed.clear()
                await self._changed.wait()

    def take(self, request: Request) -> Response:
        """Write a request down and say what to answer."""
        response = self.behaviour(request)
        self.count += 1
        self.journal.note("received", status=response.status, **_seen(request, self._secret))
        self._changed.set()
        return response

    def joined(self, connection: _Connection) -> None:
        """Know an open connection."""
        self._connections.add(connection)

    def left(self, connection: _Connection) -> None:
        """Forget a closed connection."""
        self._connections.discard(connection)


def _seen(request: Request, secret: str | None) -> dict[str, Any]:
    """Return what the ledger needs of a request, its payload only as a digest."""
    body, headers = request.body, request.headers
    expected = hmac.digest(secret.encode(), body, "sha256").hex() if secret else None
    fields = json.loads(body)
    return {
        "id": headers.get("webhook-id"),
        "attempt": int(headers.get("x-gateway-attempt", "0")),
        "replay_of": headers.get("x-gateway-replay"),
        "signed": expected is None or headers.get("x-gateway-signature") == expected,
        "update_id": fields.get("update_id"),
        "kind": fields.get("event"),
        "raw_sha256": hashlib.sha256(member_of(body, "raw")).hexdigest(),
    }


class _Connection(asyncio.Protocol):
    """One connection: requests one after another, answered in their order."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._receiver.joined(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._receiver.left(self)
        self._transport = None

    def drop(self) -> None:
        """Close at once, whatever is under way."""
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
        response = self._receiver.take(Request(self._path, self._headers, bytes(self._body)))
        if response.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(response.delay, self._answer, response)
        else:
            self._answer(response)

    def _answer(self, response: Response) -> None:
        if self._transport is None:
            return
        if response.status == 0:
            self.drop()
            return
        lines = [f"HTTP/1.1 {response.status} Answer", f"Content-Length: {len(response.body)}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + response.body)
