"""A target that answers every POST at once, or after a delay, and notes what came when.

``python -m benchmarks.processes.sink DELAY`` prints its port, then answers each line of its input
with a ``Received`` as JSON: ``wait N SECONDS`` when N different updates have come, or the time is
over; ``forget`` after having forgotten all.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httptools
import msgspec
import uvloop
from msgspec import Struct

from benchmarks.bodies import number_in

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Received(Struct, frozen=True):
    """What came: the moment each update arrived first (monotonic seconds), and how many posts."""

    posts: int
    arrived_at: dict[int, float]


class Sink:
    """Everything that came."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.posts = 0
        self.arrived_at: dict[int, float] = {}

    def received(self) -> Received:
        """Tell what came."""
        return Received(posts=self.posts, arrived_at=self.arrived_at)

    def note(self, body: bytes) -> None:
        """Note one delivery."""
        self.posts += 1
        self.arrived_at.setdefault(number_in(body), time.monotonic())


class Connection(asyncio.Protocol):
    """One connection of the gateway."""

    def __init__(self, sink: Sink, delay: float) -> None:
        self._sink = sink
        self._delay = delay
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """Collect a body."""
        self._body += data

    def on_message_complete(self) -> None:
        """Note it and answer."""
        self._sink.note(self._body)
        self._body = b""
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


async def _obey(sink: Sink, words: list[bytes]) -> None:
    match words:
        case [b"forget"]:
            sink.forget()
        case [b"wait", count, seconds]:
            end = time.monotonic() + float(seconds)
            while len(sink.arrived_at) < int(count) and time.monotonic() < end:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def main(delay: float) -> None:
    """Serve until the input ends."""
    loop, sink = asyncio.get_running_loop(), Sink()
    server = await loop.create_server(lambda: Connection(sink, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := await orders.readline():
        await _obey(sink, order.split())
        sys.stdout.buffer.write(msgspec.json.encode(sink.received()) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1])))
