"""The short way of a connection: plain updates alone go it, and no client can tell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.http import Address, request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.facts import EventAccepted
from hookgram.web import connection
from hookgram.web.connection import Connection
from hookgram.web.ingest import Ingest
from web.posting import (
    BOT,
    ELSEWHERE,
    PATH,
    TOKEN,
    WHOLE,
    Build,
    exchange,
    post,
    turned,
    update,
)

HALF = b"GET /b HTTP/1.1\r\nHost: x\r\nX-Long: "


class AsgiSpy:
    """Counts the requests that an application was given the long way."""

    def __init__(self, app: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        serve = Ingest.__call__

        async def spied(ingest: Ingest, scope: Any, receive: Any, send: Any) -> None:
            self.paths.append(scope["path"])
            await serve(ingest, scope, receive, send)

        monkeypatch.setattr(Ingest, "__call__", spied)


async def test_a_head_is_known_only_once_it_was_let_in(build: Build, inbox: RecordingInbox) -> None:
    app = build(inbox)
    async with serving(app) as gateway:
        wrong = request("POST", PATH, update(1), [(TOKEN[0], "wrong")])
        async with gateway.wire() as wire:
            assert (await exchange(wire, wrong)).status == 403
        assert len(app.heads._known) == 0
        for _ in range(2):
            async with gateway.wire() as wire:
                assert (await exchange(wire, WHOLE)).status == 200
        assert len(app.heads._known) == 1


async def test_plain_updates_go_the_short_way_and_all_else_the_long_one(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(inbox)
    spy = AsgiSpy(app, monkeypatch)
    async with serving(app) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 200
        assert spy.paths == []
        assert (await exchange(wire, ELSEWHERE)).status == 404
        assert (await exchange(wire, request("POST", PATH, update(2), [TOKEN]))).status == 200
        assert (
            await exchange(wire, request("POST", f"{PATH}?a=1", update(3), [TOKEN]))
        ).status == 200
        assert (await exchange(wire, request("POST", PATH, update(4), [TOKEN]))).status == 200
        assert spy.paths == ["/elsewhere", PATH]
    assert inbox.bodies == [update(number) for number in (1, 2, 3, 4)]
    assert {arrival.event.bot_id for arrival in inbox.arrivals} == {BOT.bot_id}


async def test_both_ways_answer_alike(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(inbox)
    bare = build(inbox, secret=None)
    asked = [(app, update(1)), (app, update(1)), (bare, b"{}")]
    short = [await answer_of(one, body) for one, body in asked]
    monkeypatch.setattr(Ingest, "let_in", lambda *_: None)
    assert short == [await answer_of(one, body) for one, body in asked]
    assert [status for status, _, _ in short] == [200, 200, 400]


async def test_an_update_in_two_pieces_is_taken_and_so_is_the_next(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        for number in range(3):
            whole = request("POST", PATH, update(number), [TOKEN])
            await wire.send(whole[:-7])
            await turned(gateway)
            await wire.send(whole[-7:])
            assert (await wire.answer()).status == 200
            assert (
                await exchange(wire, request("POST", PATH, update(number), [TOKEN]))
            ).status == 200
    assert inbox.bodies == [update(number) for number in range(3)]


@pytest.mark.parametrize("cut", [0, 7], ids=["taken the short way", "taken the long way"])
async def test_what_comes_while_an_update_is_taken_waits_for_its_turn(
    build: Build, inbox: RecordingInbox, cut: int
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox, secret=None)) as gateway, gateway.wire() as wire:
        if cut:
            await wire.send(WHOLE[:cut])
            await turned(gateway)
        await wire.send(WHOLE[cut:])
        await inbox.reached.wait()
        await wire.send(request("POST", PATH, b"no update: this needs no store to be answered"))
        await turned(gateway)
        await wire.send(ELSEWHERE)
        await turned(gateway)
        inbox.gate.set()
        assert [(await wire.answer()).status for _ in range(3)] == [200, 400, 404]
    assert inbox.bodies == [update(1)]


async def test_an_update_within_a_body_is_none(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        outer = request("POST", PATH, WHOLE, [TOKEN])
        await wire.send(outer[: -len(WHOLE)])
        await turned(gateway)
        await wire.send(WHOLE)
        assert (await wire.answer()).status == 200
        assert (await exchange(wire, ELSEWHERE)).status == 404
    assert inbox.bodies == [WHOLE]


async def test_who_is_answered_late_may_go_on(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox, commit_deadline=0.05)) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 503
        assert (await exchange(wire, ELSEWHERE)).status == 404
        inbox.gate.set()
        await facts.until(EventAccepted)
        assert (await exchange(wire, ELSEWHERE)).status == 404
        assert (await exchange(wire, WHOLE)).status == 200
    assert inbox.bodies == [update(1)]


async def test_a_connection_that_rests_for_long_is_closed(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway:
        assert gateway.server is not None
        gateway.server.config.timeout_keep_alive = 0
        async with gateway.wire() as wire:
            assert (await exchange(wire, WHOLE)).status == 200
            assert await wire.ended()


async def test_a_connection_at_work_is_not_resting(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Event()
    look = connection.Connection.timeout_keep_alive_handler

    def seen(self: connection.Connection) -> None:
        look(self)
        looked.set()

    monkeypatch.setattr(connection.Connection, "timeout_keep_alive_handler", seen)
    async with serving(build(inbox)) as gateway:
        assert gateway.server is not None
        gateway.server.config.timeout_keep_alive = 0.05
        async with gateway.wire() as wire:
            assert (await exchange(wire, WHOLE)).status == 200
            inbox.gate.clear()
            await wire.send(request("POST", PATH, update(2), [TOKEN]))
            looked.clear()
            await asyncio.wait_for(looked.wait(), 10)
            inbox.gate.set()
            assert (await wire.answer()).status == 200
            assert await wire.ended()


async def test_a_resting_connection_is_closed_when_the_server_stops(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 200
        assert gateway.server is not None
        gateway.server.over.set()
        assert await wire.ended()


@pytest.mark.parametrize("before", [ELSEWHERE, WHOLE], ids=["another request", "an update"])
async def test_an_update_within_a_head_is_none(
    build: Build, inbox: RecordingInbox, before: bytes
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await exchange(wire, before + HALF)
        kept = list(inbox.bodies)
        await wire.send(WHOLE)
        assert (await wire.answer()).status == 404
    assert inbox.bodies == kept


async def test_the_beginning_of_a_head_behind_a_request_is_not_waited_for_either(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_DEADLINE", 0.05)
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, ELSEWHERE + HALF)).status == 404
        assert await wire.ended()


async def test_who_reads_no_answers_is_left_to_the_server_which_waits_for_it(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(inbox)
    spy = AsgiSpy(app, monkeypatch)
    async with serving(app) as gateway, gateway.wire() as wire:
        await exchange(wire, WHOLE)
        [served] = connections(gateway)
        served.pause_writing()  # as the transport does when too much waits to be read
        await wire.send(WHOLE)
        await turned(gateway)
        served.resume_writing()
        assert (await wire.answer()).status == 200
    assert PATH in spy.paths


async def test_who_sends_on_while_an_update_is_taken_is_read_no_more(
    build: Build, inbox: RecordingInbox
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(WHOLE)
        await inbox.reached.wait()
        [taking] = [one for one in connections(gateway) if one._taking]
        wire.writer.write(b"x" * 8_000_000)
        while not taking._behind:
            await turned(gateway)
        await turned(gateway)
        assert len(taking._behind) < 1_000_000
        inbox.gate.set()


async def test_who_leaves_while_an_update_is_taken_leaves_nothing_but_the_update(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    told = list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    inbox.gate.clear()
    async with serving(build(inbox)) as gateway:
        async with gateway.wire() as wire:
            await wire.send(WHOLE)
            await inbox.reached.wait()
            [taking] = [one for one in connections(gateway) if one._taking]
        while taking in connections(gateway):
            await turned(gateway)
        inbox.gate.set()
        await facts.until(EventAccepted)
        await turned(gateway)
    assert told == []
    assert inbox.bodies == [update(1)]


def connections(gateway: Address) -> list[Connection]:
    """Return what the server serves now."""
    assert gateway.server is not None
    served = gateway.server.server_state.connections
    return [one for one in served if isinstance(one, Connection)]


async def answer_of(app: Ingest, body: bytes) -> tuple[int, dict[str, str], bytes]:
    async with serving(app) as gateway:
        answer = await post(gateway, body)
    return answer.status, {**answer.headers, "date": ""}, answer.body
