"""The short way's end: no task, no client that waits for nothing."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest

from fakes.http import request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.facts import IngestRejected
from hookgram.web import connection
from hookgram.web.keeping import Keeping
from web.posting import ELSEWHERE, PATH, WHOLE, Build, exchange, update


async def test_an_update_is_taken_without_a_task(build: Build, inbox: RecordingInbox) -> None:
    inbox.gate.clear()
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(WHOLE)
        await inbox.reached.wait()
        assert gateway.server is not None
        assert not gateway.server.server_state.tasks
        inbox.gate.set()
        assert (await wire.answer()).status == 200


async def test_a_commit_that_is_cut_off_is_asked_for_again(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    def cut_off(*_: Any, **__: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return future

    inbox.accept = cut_off  # type: ignore[method-assign]
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 503
        assert [fact.status for fact in facts.of(IngestRejected)] == [503]
        assert (await exchange(wire, ELSEWHERE)).status == 404


@pytest.mark.parametrize(
    "where", [(Keeping, "_take_slowly"), (connection, "_written")], ids=["taking", "answering"]
)
async def test_a_bug_on_the_short_way_ends_the_connection_and_is_told(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]
) -> None:
    told = list[str]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))

    async def broken(*_: Any) -> NoReturn:
        raise RuntimeError("a bug")

    def broken_at_once(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("a bug")

    module, name = where
    monkeypatch.setattr(module, name, broken if module is Keeping else broken_at_once)
    async with serving(build(inbox, secret=None)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, b"no update" if module is Keeping else update(1)))
        assert await wire.ended()
    assert told == ["a bug"]
