"""The short way: only what is whole and plain goes it, and no client can tell the difference."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.http import Address, Answer, Wire, request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.facts import EventAccepted
from hookgram.web import connection
from hookgram.web.ingest import Ingest
from hookgram.web.whole import HEADS, LARGEST_HEAD, LONGEST, Heads, Reader, Request
from web.posting import BOT, PATH, TOKEN, Build, post, update

WHOLE = request("POST", PATH, update(1), [TOKEN])


def known() -> tuple[Heads, Request]:
    """Heads of which one is known, and the request that was read by it."""
    heads, read = Heads(), Reader().read(WHOLE)
    assert read is not None
    heads.keep(WHOLE, read)
    return heads, read


def with_header(name: str, value: str) -> bytes:
    return request("POST", PATH, update(1), [TOKEN, (name, value)])


NOT_PLAIN: dict[str, bytes] = {
    "nothing": b"",
    "a part of its head": WHOLE[:40],
    "its head alone": WHOLE[: -len(update(1))],
    "all but its last byte": WHOLE[:-1],
    "one byte more": WHOLE + b"P",
    "two of them": WHOLE + WHOLE,
    "another method": WHOLE.replace(b"POST", b"PUT", 1),
    "an older version": WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a version that is none": WHOLE.replace(b"HTTP/1.1", b"HTTP/9.9", 1),
    "an empty line before it": b"\r\n" + WHOLE,
    "chunks": request(
        "POST", PATH, b"", [TOKEN, ("Transfer-Encoding", "chunked")], length=0
    ).replace(b"Content-Length: 0\r\n", b"")
    + b"2\r\n{}\r\n0\r\n\r\n",
    "one that asks whether to go on": with_header("Expect", "100-continue"),
    "one that is to be the last": with_header("Connection", "close"),
    "one that wants another protocol": with_header("Connection", "upgrade\r\nUpgrade: h2c"),
    "a head of too much": with_header("X-Filler", "y" * LARGEST_HEAD),
    "a header that is none": WHOLE.replace(b"Host:", b"Host", 1),
    "two lengths": with_header("Content-Length", "3"),
}


class AsgiSpy:
    """Counts the requests that an application was given the long way."""

    def __init__(self, app: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        serve = Ingest.__call__

        async def spied(ingest: Ingest, scope: Any, receive: Any, send: Any) -> None:
            self.paths.append(scope["path"])
            await serve(ingest, scope, receive, send)

        monkeypatch.setattr(Ingest, "__call__", spied)


def test_a_plain_request_is_read() -> None:
    read = Reader().read(WHOLE)
    assert read is not None
    assert (read.url, read.body) == (PATH.encode(), update(1))
    assert (TOKEN[0].lower().encode(), TOKEN[1].encode()) in read.headers


def test_a_connection_that_is_to_be_kept_is_plain() -> None:
    assert Reader().read(with_header("Connection", "Keep-Alive")) is not None


@pytest.mark.parametrize("piece", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_nothing_else_is_read_and_leaves_no_trace(piece: bytes) -> None:
    reader = Reader()
    for _ in range(3):
        assert reader.read(piece) is None
        read = reader.read(WHOLE)
        assert read is not None
        assert read.body == update(1)
        assert len(read.headers) == 3


def test_a_known_head_is_read_as_the_parser_reads_it() -> None:
    heads, read = known()
    assert heads.read(WHOLE) == read
    other = WHOLE.replace(b"hi", b"ho")
    assert heads.read(other) == Reader().read(other)


@pytest.mark.parametrize("piece", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_just_a_known_head_and_its_body_is_not_read(piece: bytes) -> None:
    heads, _ = known()
    assert heads.read(piece) is None


def test_no_more_heads_are_remembered_than_may_be() -> None:
    heads, read = known()
    for number in range(HEADS):
        piece = with_header("X-Request-Id", str(number))
        parsed = Reader().read(piece)
        assert parsed is not None
        heads.keep(piece, parsed)
        assert heads.read(piece) == parsed
        assert len(heads) <= HEADS
    assert heads.read(WHOLE) is None  # forgotten with the others, and met again
    heads.keep(WHOLE, read)
    assert heads.read(WHOLE) == read


def test_a_long_head_is_not_remembered() -> None:
    heads = Heads()
    piece = with_header("X-Filler", "y" * LONGEST)
    parsed = Reader().read(piece)
    assert parsed is not None
    heads.keep(piece, parsed)
    assert heads.read(piece) is None


def test_a_head_that_ends_otherwise_is_not_remembered() -> None:
    heads, body = Heads(), b"{}\r\n\r\n"
    piece = b"POST / HTTP/1.1\n\n" + body
    heads.keep(piece, Request(b"/", [], body))
    assert len(heads) == 0


async def test_a_head_is_known_only_once_it_was_let_in(build: Build, inbox: RecordingInbox) -> None:
    app = build(inbox)
    async with serving(app) as gateway:
        wrong = request("POST", PATH, update(1), [(TOKEN[0], "wrong")])
        async with gateway.wire() as wire:
            assert (await exchange(wire, wrong)).status == 403
        assert len(app.heads) == 0
        for _ in range(2):
            async with gateway.wire() as wire:
                assert (await exchange(wire, WHOLE)).status == 200
        assert len(app.heads) == 1


async def test_plain_updates_go_the_short_way_and_all_else_the_long_one(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(inbox)
    spy = AsgiSpy(app, monkeypatch)
    async with serving(app) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 200
        assert spy.paths == []
        assert (await exchange(wire, request("GET", "/elsewhere"))).status == 404
        assert (await exchange(wire, request("POST", PATH, update(2), [TOKEN]))).status == 200
        assert (await exchange(wire, request("POST", f"{PATH}?a=1", update(3), [TOKEN]))).status
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
            await asyncio.sleep(0)
            await wire.send(whole[-7:])
            assert (await wire.answer()).status == 200
            assert (await exchange(wire, request("POST", PATH, update(number), [TOKEN]))).status
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
        await wire.send(request("GET", "/elsewhere"))
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
        assert (await exchange(wire, request("GET", "/elsewhere"))).status == 404
    assert inbox.bodies == [WHOLE]


async def test_who_is_answered_late_may_go_on(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox, commit_deadline=0.05)) as gateway, gateway.wire() as wire:
        assert (await exchange(wire, WHOLE)).status == 503
        assert (await exchange(wire, request("GET", "/elsewhere"))).status == 404
        inbox.gate.set()
        await facts.until(EventAccepted)
        assert (await exchange(wire, request("GET", "/elsewhere"))).status == 404
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


async def turned(gateway: Address) -> None:
    """Wait until the server has read what was sent before, on whatever connection."""
    async with gateway.wire() as other:
        assert (await exchange(other, request("GET", "/elsewhere"))).status == 404


async def exchange(wire: Wire, asked: bytes) -> Answer:
    await wire.send(asked)
    return await wire.answer()


async def answer_of(app: Ingest, body: bytes) -> tuple[int, dict[str, str], bytes]:
    async with serving(app) as gateway:
        answer = await post(gateway, body)
    return answer.status, {**answer.headers, "date": ""}, answer.body
