"""Posts updates as cheaply as Python can: it shares the machine with what is measured.

All of them are written before the first one is posted.

``python -m benchmarks.processes.load PLAN`` with a ``Plan`` as JSON; prints a ``Posted`` as JSON.
Without a rate, each connection posts its next update when the last is answered. With one, update n
is due at n / rate seconds, whatever the answers do, and its wait is counted from then.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque

import httptools
import msgspec
import uvloop
from msgspec import Struct

from benchmarks.bodies import FIRST, body

SECRET = "the-secret-of-the-benchmarks"  # noqa: S105  (of no use to anybody)
HEAD = (
    b"POST /telegram/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"X-Telegram-Bot-Api-Secret-Token: %s\r\n"
    b"Content-Type: application/json\r\nContent-Length: %%d\r\n\r\n" % SECRET.encode()
)


STORED = b'\r\n\r\n{"ok":true}'
"""The end of the answer to what was taken; others, and pieces of one, are parsed."""


class Plan(Struct, frozen=True):
    """What to post, where, how fast."""

    port: int
    count: int
    connections: int = 64
    rate: float | None = None
    first: int = FIRST
    deadline: float = 120.0


class Posted(Struct, frozen=True):
    """How it went. Times are seconds, of this machine's monotonic clock where moments."""

    began: float
    ended: float
    answered: int
    refused: int
    waits: list[float]
    """The wait for each answer, sorted."""
    sent_at: list[float]
    """The moment each update left, by its number; empty without a rate."""


class Connection(asyncio.Protocol):
    """One kept connection with one request in flight."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to post."""
        self._transport = transport
        self._load.free(self)

    def post(self, number: int, since: float) -> None:
        """Post the update of this number; its wait counts from *since*."""
        self._since = since
        self._transport.write(self._load.requests[number])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Look at what came."""
        if data.startswith(b"HTTP/1.1 200 ") and data.endswith(STORED):
            self._go_on(200)
        else:
            self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Count the answer and go on."""
        self._go_on(self._parser.get_status_code())

    def _go_on(self, status: int) -> None:
        self._load.answered(status, time.monotonic() - self._since)
        self._load.free(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the load."""
        self._load.lost()


def _written(update_id: int) -> bytes:
    data = body(update_id)
    return HEAD % len(data) + data


class Load:
    """All connections, and what is still to be posted."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.requests = [_written(plan.first + number) for number in range(plan.count)]
        """What is posted, head and body."""
        self._next = 0
        self._waits: list[float] = []
        self._sent_at: list[float] = []
        self._refused = 0
        self._idle: deque[Connection] = deque()
        self._late: deque[float] = deque()
        self._done = asyncio.Event()
        self._ready = asyncio.Event()
        self._closing = False
        self._began = 0.0

    async def run(self) -> Posted:
        """Post everything and tell how it went."""
        loop, plan = asyncio.get_running_loop(), self._plan
        for _ in range(plan.connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", plan.port)
        self._began = time.monotonic()
        self._ready.set()
        if plan.rate is None:
            for connection in [self._idle.popleft() for _ in range(len(self._idle))]:
                self.free(connection)
        else:
            loop.call_soon(self._tick)
        async with asyncio.timeout(plan.deadline):
            await self._done.wait()
        self._closing = True
        return Posted(
            began=self._began,
            ended=time.monotonic(),
            answered=len(self._waits),
            refused=self._refused,
            waits=sorted(self._waits),
            sent_at=self._sent_at,
        )

    def free(self, connection: Connection) -> None:
        """Give a connection its next update, or let it wait for one."""
        plan = self._plan
        if not self._ready.is_set():
            self._idle.append(connection)
        elif plan.rate is None and self._next < plan.count:
            self._post(connection, time.monotonic())
        elif self._late:
            self._post(connection, self._late.popleft())
        else:
            self._idle.append(connection)

    def _post(self, connection: Connection, since: float) -> None:
        number = self._next
        self._next += 1
        if self._plan.rate is not None:
            self._sent_at.append(since)
        connection.post(number, since)

    def _tick(self) -> None:
        """Post what is due, and come back when the next is."""
        now, plan = time.monotonic(), self._plan
        assert plan.rate is not None  # noqa: S101  (it is called with a rate only)
        while (due := self._next + len(self._late)) < plan.count:
            moment = self._began + due / plan.rate
            if moment > now:
                asyncio.get_running_loop().call_later(moment - now, self._tick)
                return
            if self._idle:
                self._post(self._idle.popleft(), moment)
            else:
                self._late.append(moment)

    def answered(self, status: int, wait: float) -> None:
        """Count an answer."""
        self._waits.append(wait)
        self._refused += status != 200
        if len(self._waits) >= self._plan.count:
            self._done.set()

    def lost(self) -> None:
        """Give up: a connection that ends before all is posted makes the measurement worthless."""
        if not self._closing:
            print("a connection was closed", file=sys.stderr)  # noqa: T201
            sys.exit(1)


async def main(plan: Plan) -> None:
    """Carry out a plan."""
    posted = await Load(plan).run()
    sys.stdout.buffer.write(msgspec.json.encode(posted) + b"\n")


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Plan)))
