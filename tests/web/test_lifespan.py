"""Under anybody's ASGI server: the gateway lives as long as the server does."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack

import pytest
import uvicorn
from uvicorn.lifespan.on import LifespanOn

from fakes.http import Address
from hookgram.errors import StoreInUse
from hookgram.web.exchange import Asgi, Exchange, Receive, Scope, Send
from hookgram.web.lifespan import with_lifespan


class House:
    """Something that is opened and closed, and fails where it is told to."""

    def __init__(self, *, opening: Exception | None = None, closing: Exception | None = None):
        self.opening = opening
        self.closing = closing
        self.history: list[str] = []

    async def start(self, stack: AsyncExitStack) -> Asgi:
        stack.callback(self._close)
        self.history.append("opened")
        if self.opening:
            raise self.opening
        return self._serve

    def _close(self) -> None:
        self.history.append("closed")
        if self.closing:
            raise self.closing

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.history.append(scope["path"])
        await Exchange(receive, send).answer(200, b"{}")


def lifespan_of(house: House) -> LifespanOn:
    """The lifespan as `uvicorn module:app` runs it."""
    return LifespanOn(uvicorn.Config(with_lifespan(house.start), log_config=None))


async def test_it_serves_between_the_servers_start_and_its_end() -> None:
    house = House()
    with socket.create_server(("127.0.0.1", 0)) as bound:
        config = uvicorn.Config(with_lifespan(house.start), log_config=None, timeout_keep_alive=1)
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[bound])
        assert house.history == ["opened"]
        assert (await Address(bound.getsockname()[1]).get("/here")).status == 200
        await server.shutdown()
    assert house.history == ["opened", "/here", "closed"]


async def test_a_start_that_fails_ends_the_server_with_its_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House(opening=StoreInUse("another gateway holds events.db"))
    lifespan = lifespan_of(house)
    await lifespan.startup()
    assert lifespan.should_exit
    assert "another gateway holds events.db" in caplog.messages
    assert house.history == ["opened", "closed"]


async def test_a_bug_at_the_start_ends_the_server_too(caplog: pytest.LogCaptureFixture) -> None:
    lifespan = lifespan_of(House(opening=ZeroDivisionError("a bug")))
    await lifespan.startup()
    assert lifespan.should_exit
    assert "ZeroDivisionError: a bug" in caplog.text


async def test_an_end_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lifespan = lifespan_of(House(closing=OSError("cannot close")))
    await lifespan.startup()
    assert not lifespan.should_exit
    await lifespan.shutdown()
    assert lifespan.should_exit
    assert "cannot close" in caplog.text
