"""The short way's end: no task, no client that waits for nothing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, NoReturn

import pytest

from fakes.http import request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.facts import IngestRejected, TaskFailed
from hookgram.errors import StoreUnavailable
from hookgram.web import connection
from hookgram.web.bodies import Bodies
from hookgram.web.deadlines import Deadlines
from hookgram.web.keeping import Keeping
from web.posting import ELSEWHERE, PATH, TOKEN, WHOLE, Build, exchange, update

MOVED = b'{"update_id":1,"message":{"chat":{"id":-1007},"migrate_from_chat_id":-7}}'
"""An update that takes a task: a group has become another."""


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
        assert not facts.of(TaskFailed)
        assert (await exchange(wire, ELSEWHERE)).status == 404


@pytest.mark.parametrize(
    "where",
    [
        (connection, "_written"),
        (Deadlines, "end"),
        (Bodies, "release"),
        (Keeping, "tell"),
        (Keeping, "_failed"),
    ],
    ids=lambda where: where[1],
)
async def test_a_bug_after_a_commit_or_without_one_leaves_nobody_waiting(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]
) -> None:
    told = listen()
    inbox.trouble = StoreUnavailable("full")
    monkeypatch.setattr(*where, stumble)
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(WHOLE)
        assert await wire.ended()
    assert told[0] == "a bug"


async def test_a_bug_is_told_without_the_update_it_met(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context)))
    monkeypatch.setattr(connection, "_written", stumble)
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, update(1, text="a private word"), [TOKEN]))
        assert await wire.ended()
    assert "_Posted(" in told[0]
    assert "a private word" not in told[0]


@pytest.mark.parametrize(
    "where",
    [(connection, "_written"), (Deadlines, "end"), (Bodies, "release"), (Keeping, "tell")],
    ids=lambda where: where[1],
)
async def test_a_bug_in_a_task_leaves_nobody_waiting(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]
) -> None:
    told = listen()
    monkeypatch.setattr(*where, stumble)
    async with serving(build(inbox, secret=None)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, b"no update"))
        assert await wire.ended()
    assert told == ["a bug"]


@pytest.mark.parametrize("body", [update(1), MOVED], ids=["without a task", "in a task"])
async def test_a_bug_in_a_late_answer_leaves_nobody_waiting(
    build: Build,
    inbox: RecordingInbox,
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
) -> None:
    told = listen()
    inbox.gate.clear()
    monkeypatch.setattr(Keeping, "tell", stumble)
    async with serving(build(inbox, commit_deadline=0.05)) as gateway:
        async with gateway.wire() as wire:
            await wire.send(request("POST", PATH, body, [TOKEN]))
            assert await wire.ended()
        inbox.gate.set()
    assert told == ["a bug"]


async def test_what_was_answered_waits_for_no_deadline_and_counts_no_longer(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(inbox)
    async with serving(app) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 200
        monkeypatch.setattr(inbox, "accept", stumble)
        assert (await exchange(wire, request("POST", PATH, update(2), [TOKEN]))).status == 503
    assert app._bodies.waiting == 0
    assert app.keeping._deadlines._waits == {}


async def test_a_commit_longer_than_a_stop_is_answered_all_the_same(
    build: Build, inbox: RecordingInbox
) -> None:
    inbox.gate.clear()
    async with AsyncExitStack() as outliving:
        async with serving(build(inbox)) as gateway:
            assert gateway.server is not None
            gateway.server.config.timeout_graceful_shutdown = 0
            wire = await outliving.enter_async_context(gateway.wire())
            await wire.send(WHOLE)
            await inbox.reached.wait()
        inbox.gate.set()
        assert (await wire.answer()).status == 200
        assert await wire.ended()


def listen() -> list[str]:
    """Return what the loop will be told of."""
    told = list[str]()
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: told.append(str(context["exception"]))
    )
    return told


def stumble(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("a bug")
