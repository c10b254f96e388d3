"""The limit of delivering: the gateway's own server and client, and no store between them.

``python -m benchmarks.processes.forwarder URL`` answers 200 and posts the very bytes that came to
URL, from memory, as many at a time as a target of the gateway has slots. It reads, signs, stores,
counts and logs nothing.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from benchmarks.processes.bare import HEAD, STORED
from benchmarks.processes.serving import serve
from hookgram.channels.registry import Channels
from hookgram.core.definition import Definition, Origin
from hookgram.core.model import DAY, SECOND
from hookgram.core.outcome import Outbound, Response
from hookgram.core.retry import RetryPolicy
from hookgram.ports import Channel
from hookgram.web.exchange import Receive, Scope, Send

SLOTS = 40
HEADERS = {"Content-Type": "application/json", "User-Agent": "forwarder"}


class Forwarder:
    """Takes and forwards."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Take one body (ASGI)."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self._waiting.put_nowait(body)
        await send({"type": "http.response.start", "status": 200, "headers": HEAD})
        await send({"type": "http.response.body", "body": STORED})

    async def forward(self) -> None:
        """Forward one after another."""
        while True:
            body = await self._waiting.get()
            outbound = Outbound(headers=HEADERS, body=body, timeout=10 * SECOND)
            answer = await self._channel.send(outbound)
            if not isinstance(answer, Response):
                print(answer, file=sys.stderr)  # noqa: T201


async def main(url: str) -> None:
    """Run until SIGTERM."""
    policy = RetryPolicy.doubling(base=2, retries=0, max_age=DAY)
    definition = Definition(name="target", urls=(url,), origin=Origin.ENV, retry=policy)
    async with Channels() as channels:
        forwarder = Forwarder(channels.channel_for(definition))
        workers = [asyncio.create_task(forwarder.forward()) for _ in range(SLOTS)]
        await serve(forwarder)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
