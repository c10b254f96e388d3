"""The ingest side as it runs: our server, uvloop, and an inbox that can be told to fail."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from fakes.inbox import Facts, RecordingInbox
from hookgram.core.access import Access
from hookgram.ports import Inbox
from hookgram.store.sqlite import SqliteStore, open_sqlite
from hookgram.usecases.intake import Intake, Limits
from hookgram.web.bodies import Bodies
from hookgram.web.door import Door
from hookgram.web.exchange import Exchange, Receive, Scope, Send
from hookgram.web.ingest import Ingest
from web.posting import BOT, NOW, PATH, SECRET, Build


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], Any]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["the short way", "through ASGI"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How whole requests come in; the laws of ingest hold on both ways."""
    if request.param == "through ASGI":
        monkeypatch.setattr(Ingest, "let_in", lambda *_: None)
    return str(request.param)


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands behind the ingest route in these tests."""
    await Exchange(receive, send).answer(404, b'{"elsewhere":true}')


@pytest.fixture
def facts() -> Facts:
    return Facts()


@pytest.fixture
def inbox() -> RecordingInbox:
    return RecordingInbox()


@pytest.fixture
def build(facts: Facts) -> Build:
    """A way to make the ingest application on any inbox."""

    def make(
        inbox: Inbox,
        *,
        secret: str | None = SECRET,
        access: Access | None = None,
        doors: dict[str, Door] | None = None,
        targets: Any = (),
        body_deadline: float = 30.0,
        commit_deadline: float = 10.0,
        **limits: Any,
    ) -> Ingest:
        intake = Intake(
            inbox=inbox,
            access=access or Access(public=True),
            limits=Limits(0, 0),
            clock=lambda: NOW,
            entropy=os.urandom,
            notice=facts,
            wake=lambda ids: None,
        )
        intake.set_targets(targets)
        return Ingest(
            elsewhere,
            doors or {PATH: Door(bot=BOT, secret=secret)},
            intake,
            bodies=Bodies(**({"largest": 512 * 1024} | limits)),
            notice=facts,
            body_deadline=body_deadline,
            commit_deadline=commit_deadline,
        )

    return make


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(tmp_path / "events.db", clock=lambda: NOW)
    yield opened
    await opened.close()
