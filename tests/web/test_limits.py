"""Sizes and times: what comes in is bounded while it comes."""

from __future__ import annotations

import asyncio

import pytest

from fakes.http import Wire, chunk, request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.facts import IngestRejected
from hookgram.web import connection
from hookgram.web.bodies import Bodies
from hookgram.web.exchange import Disconnected, Message, Rejection
from web.posting import PATH, TOKEN, Build, post, update

pytestmark = pytest.mark.usefixtures("way")

KIB = 1024
CHUNKED = [TOKEN, ("Transfer-Encoding", "chunked")]


def body_of(size: int) -> bytes:
    padding = size - len(update(1, text=""))
    return update(1, text="x" * padding)


async def test_a_body_of_just_the_limit_is_taken(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox, largest=4 * KIB)) as gateway:
        assert (await post(gateway, body_of(4 * KIB))).status == 200
        assert (await post(gateway, body_of(4 * KIB + 1))).status == 413
    assert inbox.bodies == [body_of(4 * KIB)]


async def test_a_body_announced_as_too_large_is_refused_at_once(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, b"", [TOKEN], length=10**15))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert "retry-after" not in answer.headers


async def test_the_secret_is_asked_for_before_the_size(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, b"", [], length=10**15))
        assert (await wire.answer()).status == 403


async def test_a_chunked_body_is_taken(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(_chunked())
        for start in range(0, len(update(1)), 10):
            await wire.send(chunk(update(1)[start : start + 10]))
        await wire.send(chunk(b""))
        assert (await wire.answer()).status == 200
    assert inbox.bodies == [update(1)]


async def test_a_chunked_body_is_cut_off_at_the_limit(build: Build, inbox: RecordingInbox) -> None:
    app = build(inbox, largest=64 * KIB)
    async with serving(app) as gateway, gateway.wire() as wire:
        await wire.send(_chunked())
        for _ in range(65):
            await wire.send(chunk(b"x" * KIB))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await wire.ended()
    assert inbox.arrivals == []
    assert app._bodies.waiting == 0


async def test_what_was_announced_but_does_not_come_is_not_kept(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    app = build(inbox)
    async with serving(app) as gateway:
        async with gateway.wire() as wire:
            await wire.send(request("POST", PATH, update(1), [TOKEN], length=len(update(1)) + 1))
        assert (await post(gateway, update(2))).status == 200
    assert inbox.bodies == [update(2)]
    assert app._bodies.waiting == 0
    assert facts.of(IngestRejected) == []


async def test_what_comes_beyond_what_was_announced_is_no_part_of_the_body(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        lying = request("POST", PATH, update(1) + b"}}}", [TOKEN], length=len(update(1)))
        await wire.send(lying)
        status = (await wire.answer()).status
        assert status in {200, 400}
    assert inbox.bodies == [update(1)]


async def test_two_lengths_are_refused(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        twice = [TOKEN, ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
        await wire.send(request("POST", PATH, b"", twice))
        assert (await wire.answer()).status == 400
    assert inbox.arrivals == []


async def test_a_body_that_drips_is_given_up(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    app = build(inbox, body_deadline=0.05)
    async with serving(app) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, b'{"upd', [TOKEN], length=100))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await wire.ended()
    assert inbox.arrivals == []
    assert app._bodies.waiting == 0
    assert [fact.status for fact in facts.of(IngestRejected)] == [408]


async def test_when_too_much_waits_the_next_is_asked_to_come_again(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    app = build(inbox, most=10 * KIB)
    inbox.gate.clear()
    async with serving(app) as gateway, gateway.wire() as first:
        await first.send(request("POST", PATH, body_of(8 * KIB), [TOKEN]))
        await inbox.reached.wait()
        refused = await post(gateway, body_of(4 * KIB))
        assert refused.status == 503
        assert "retry-after" not in refused.headers
        inbox.gate.set()
        assert (await first.answer()).status == 200
        assert (await post(gateway, body_of(4 * KIB))).status == 200
    assert app._bodies.waiting == 0


async def test_a_body_waits_until_its_commit_ends_though_it_was_answered_before(
    build: Build, inbox: RecordingInbox
) -> None:
    app = build(inbox, commit_deadline=0.05)
    inbox.gate.clear()
    async with serving(app) as gateway:
        assert (await post(gateway, update(1))).status == 503
        assert app._bodies.waiting == len(update(1))
        inbox.gate.set()
        assert (await post(gateway, update(1))).status == 200
    assert app._bodies.waiting == 0


@pytest.mark.parametrize("size", [1, 700, 70 * KIB])
async def test_bodies_come_whole_in_whatever_pieces(size: int) -> None:
    sent = bytes(number % 251 for number in range(100 * KIB))
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    messages: list[Message] = [
        {"type": "http.request", "body": p, "more_body": True} for p in pieces
    ]
    messages.append({"type": "http.request"})
    assert await Bodies(largest=100 * KIB).read(_receive(messages)) == sent


async def test_what_was_read_of_a_body_counts_no_more_when_it_fails() -> None:
    bodies = Bodies(largest=10, most=15)
    part: Message = {"type": "http.request", "body": b"123456", "more_body": True}
    with pytest.raises(Disconnected):
        await bodies.read(_receive([part, {"type": "http.disconnect"}]))
    with pytest.raises(Rejection, match="too large"):
        await bodies.read(_receive([part, part]))
    assert bodies.waiting == 0


async def test_an_endless_head_is_refused(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(f"POST {PATH} HTTP/1.1\r\n".encode())
        line = b"x-filler: " + b"y" * 1000 + b"\r\n"
        for _ in range(100):
            wire.writer.write(line)
        assert (await wire.answer()).status == 400
    assert inbox.arrivals == []


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"0\r\n", b"x-filler: " + b"y" * 1000 + b"\r\n"),
        (b"0\r\nx-filler: ", b"y" * 1000),
        (b"1;", b"y" * 1000),
    ],
    ids=["trailers", "a trailer", "an extension of a chunk"],
)
@pytest.mark.parametrize("path", [PATH, "/health"])
async def test_endless_nothings_behind_a_body_are_cut(
    build: Build, inbox: RecordingInbox, path: str, begin: bytes, more: bytes
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(_chunked(path) + chunk(b"{") + begin)
        assert await _cut(wire, more)
    assert inbox.arrivals == []


async def test_trailers_are_no_headers(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        trailer = b"0\r\nX-Telegram-Bot-Api-Secret-Token: other\r\n\r\n"
        await wire.send(_chunked() + chunk(update(1)) + trailer)
        assert (await wire.answer()).status == 200
    assert inbox.bodies == [update(1)]


async def test_a_head_that_does_not_come_is_not_waited_for(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_DEADLINE", 0.05)
    async with serving(build(inbox)) as gateway:
        async with gateway.wire() as silent:
            assert await silent.ended()
        async with gateway.wire() as dripping:
            await dripping.send(b"POST / HT")
            assert await dripping.ended()
        async with gateway.wire() as second:
            await second.send(request("POST", PATH, update(1), [TOKEN]))
            assert (await second.answer()).status == 200
            await second.send(b"POST / HT")
            assert await second.ended()


async def test_a_connection_may_rest_between_updates(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_DEADLINE", 0.05)
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        assert (await wire.answer()).status == 200
        async with gateway.wire() as later:
            assert await later.ended()
        await wire.send(request("POST", PATH, update(2), [TOKEN]))
        assert (await wire.answer()).status == 200


async def test_a_slow_body_is_no_slow_head(
    build: Build, inbox: RecordingInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_DEADLINE", 0.05)
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        whole = request("POST", PATH, update(1), [TOKEN])
        await wire.send(whole[:-5])
        async with gateway.wire() as later:
            assert await later.ended()
        await wire.send(whole[-5:])
        assert (await wire.answer()).status == 200


def _chunked(path: str = PATH) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in CHUNKED)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def _cut(wire: Wire, more: bytes) -> bool:
    """Send on and on; tell whether the other side hung up before ten megabytes."""
    try:
        for _ in range(10_000):
            await wire.send(more)
    except OSError:
        return True
    return False


def _receive(messages: list[Message]):
    coming = iter(messages)

    async def receive() -> Message:
        await asyncio.sleep(0)
        return next(coming)

    return receive
