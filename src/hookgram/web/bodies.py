"""Reads bodies within limits: the size of each, and of all that wait to be stored."""

from __future__ import annotations

from hookgram.web.exchange import Disconnected, Header, Message, Receive, Rejection

MOST_WAITING = 64 * 1024 * 1024


class Bodies:
    """The bodies that are being read or stored. *largest* and *most* are in bytes.

    A body that was read counts until it is released. Raises Rejection for what exceeds a limit.
    """

    def __init__(self, *, largest: int, most: int = MOST_WAITING) -> None:
        self._largest = largest
        self._most = most
        self.waiting = 0
        """Bytes that wait now."""

    def check_length(self, headers: list[Header]) -> None:
        """Reject a body that is announced as too large."""
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self._largest:
                raise Rejection(413, "the body is too large")

    def add(self, chunk: bytes, size: int = 0, *, entire: bool = True) -> None:
        """Count what has come behind *size* bytes; *entire*: nothing more is to come."""
        if size + len(chunk) > self._largest:
            raise Rejection(413, "the body is too large", entire=entire)
        if self.waiting + len(chunk) > self._most:
            raise Rejection(503, "too much is waiting to be stored", entire=entire)
        self.waiting += len(chunk)

    async def read(self, receive: Receive) -> bytes:
        """Read one body to its end. Raises Disconnected if its end does not come."""
        chunk, more = self._admit(await receive(), 0)
        if not more:
            return chunk  # by far the most come in one piece
        body = bytearray(chunk)
        try:
            while more:
                chunk, more = self._admit(await receive(), len(body))
                body += chunk
        except BaseException:
            self.waiting -= len(body)
            raise
        return bytes(body)

    def release(self, body: bytes) -> None:
        """Count a body no longer."""
        self.waiting -= len(body)

    def _admit(self, message: Message, size: int) -> tuple[bytes, bool]:
        """Count what has come behind *size* bytes, and tell whether there is more."""
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        more = bool(message.get("more_body", False))
        self.add(chunk, size, entire=not more)
        return chunk, more
