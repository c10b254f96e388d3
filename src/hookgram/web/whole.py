"""Reads a request that is there whole, in one piece, and is as plain as Telegram's are.

Such a one is taken by the shortest way; whatever is different in any respect is nobody's here, and
goes, byte for byte, to the server that knows all of HTTP.
"""

from __future__ import annotations

import httptools
from msgspec import Struct

from hookgram.web.exchange import Header

LARGEST_HEAD = 64 * 1024
"""Bytes that may come without one of a body in them. Telegram's heads fit into 4096."""

BEGINNING = b"POST "
END = b"\r\n\r\n"
"""What ends a head."""

HEADS = 1000
LONGEST, HEADERS = 2048, 32
"""So many heads of so many bytes and headers at most are remembered; whoever sends other ones is
served all the same."""

_NOT_PLAIN = frozenset({b"connection", b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that ask for more than an answer, but for a connection that is kept."""


class Request(Struct, frozen=True, gc=False):
    """A POST with its whole body. Names of headers are in lower case."""

    url: bytes
    headers: list[Header]
    body: bytes


class Heads:
    """Heads of plain requests that were let in: the same bytes say the same again.

    Telegram, and most proxies, send the same head with each update but for its length. Only what
    was read is remembered, not who may come in: a secret is compared each time.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, list[Header], int]] = {}

    def read(self, piece: bytes) -> Request | None:
        """Return the request that *piece* is, if it is a known head and the whole body of it."""
        end = piece.find(END) + len(END)
        known = self._known.get(piece[:end])
        if known is None:
            return None
        url, headers, length = known
        return Request(url, headers, piece[end:]) if len(piece) - end == length else None

    def keep(self, piece: bytes, request: Request) -> None:
        """Remember the head of *piece*, which was read as *request*."""
        length = len(request.body)
        end = len(piece) - length
        if end > LONGEST or len(request.headers) > HEADERS:
            return
        if piece.find(END) + len(END) != end:
            return
        if len(self._known) >= HEADS:
            self._known.clear()
        self._known[piece[:end]] = request.url, request.headers, length


class Reader:
    """Reads the requests of one connection."""

    def __init__(self) -> None:
        self._heard = _Heard()
        self._parser: httptools.HttpRequestParser | None = None

    def read(self, piece: bytes) -> Request | None:
        """Return the plain request that *piece* is; None when it is anything else."""
        if not piece.startswith(BEGINNING):
            return None
        heard = self._heard
        heard.begin()
        parser = self._parser or httptools.HttpRequestParser(heard)
        self._parser = None  # kept only when it surely stands before a next request
        try:
            parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        if heard.begun != 1 or not heard.complete:
            return None
        if not _is_plain(parser, heard, len(piece)):
            return None
        self._parser = parser
        return Request(heard.url, heard.headers, heard.body)


class _Heard:
    """What the parser tells of a piece."""

    __slots__ = ("begun", "body", "complete", "headers", "url")

    def begin(self) -> None:
        self.begun = 0
        self.complete = False
        self.url = self.body = b""
        self.headers: list[Header] = []

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def _is_plain(parser: httptools.HttpRequestParser, heard: _Heard, size: int) -> bool:
    return (
        parser.get_http_version() == "1.1"
        and size - len(heard.body) <= LARGEST_HEAD
        and all(
            name not in _NOT_PLAIN or (name == b"connection" and value.lower() == b"keep-alive")
            for name, value in heard.headers
        )
    )
