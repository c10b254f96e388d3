"""The limit of taking updates: the gateway's own server in front of a handler that does nothing."""

from __future__ import annotations

import uvloop

from benchmarks.processes.serving import serve
from hookgram.web.exchange import Receive, Scope, Send

STORED = b'{"ok":true}'
HEAD = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(STORED))]


async def bare(_: Scope, receive: Receive, send: Send) -> None:
    """Read the body and answer."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": STORED})


if __name__ == "__main__":
    uvloop.run(serve(bare))
