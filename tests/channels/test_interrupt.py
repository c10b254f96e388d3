"""Cutting what is in the air: told at once, and told whether anything had left."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from fakes.hostile import drip_body, hang_after_request, healthy, serve
from hookgram.channels.registry import Channels
from hookgram.core.outcome import Response, TransportFailure


@pytest.fixture
def full():
    """A port whose backlog is full: a dial there neither succeeds nor fails."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for filler in fillers:
            filler.close()


async def settled(tasks):
    async with asyncio.timeout(2):
        return await asyncio.gather(*tasks)


async def test_after_the_first_byte_it_is_a_sent_failure(channels, definition, outbound):
    async with serve(hang_after_request) as server:
        channel = channels.channel_for(definition(server.url))
        tasks = [asyncio.create_task(channel.send(outbound(seconds=60))) for _ in range(5)]
        await server.until(lambda: len(server.requests) == 5)
        began = time.monotonic()
        channel.interrupt()
        answers = await settled(tasks)
        assert time.monotonic() - began < 1
        await server.until(lambda: server.hung_up == 5)
    assert {(answer.kind, answer.sent) for answer in answers} == {("interrupted", True)}


async def test_before_the_connection_stands_nothing_was_sent(channels, definition, outbound, full):
    channel = channels.channel_for(definition(full))
    task = asyncio.create_task(channel.send(outbound(seconds=60)))
    for _ in range(20):
        await asyncio.sleep(0)
    channel.interrupt()
    [answer] = await settled([task])
    assert (answer.kind, answer.sent) == ("interrupted", False)


async def test_during_the_handshake_nothing_was_sent(definition, outbound, trusting):
    """The server speaks no TLS, and does not hang up either."""

    async def mute(exchange):
        await exchange.gone()

    async with serve(mute) as server, Channels(tls=trusting) as channels:
        channel = channels.channel_for(definition(f"https://localhost:{server.port}/"))
        task = asyncio.create_task(channel.send(outbound(seconds=60)))
        await server.until(lambda: server.connections == 1)
        channel.interrupt()
        [answer] = await settled([task])
    assert (answer.kind, answer.sent) == ("interrupted", False)


async def test_later_sends_do_not_even_begin(channels, definition, outbound):
    async with serve(healthy()) as server:
        channel = channels.channel_for(definition(server.url))
        channel.interrupt()
        answer = await channel.send(outbound())
        assert server.connections == 0
    assert (answer.kind, answer.sent) == ("interrupted", False)


async def test_an_answer_whose_head_is_complete_is_not_thrown_away(
    channels, definition, outbound, monkeypatch
):
    monkeypatch.setattr("hookgram.channels.http.BODY_PATIENCE", 60)
    async with serve(drip_body) as server:
        channel = channels.channel_for(definition(server.url))
        task = asyncio.create_task(channel.send(outbound(seconds=60)))
        await server.until(lambda: server.written > 60)  # more than the head
        channel.interrupt()
        [answer] = await settled([task])
    assert isinstance(answer, Response)
    assert answer.status == 200


async def test_other_targets_go_on(channels, definition, outbound):
    async with serve(hang_after_request) as stuck, serve(hang_after_request) as other:
        first = channels.channel_for(definition(stuck.url, name="first"))
        second = channels.channel_for(definition(other.url, name="second"))
        same = channels.channel_for(definition(stuck.url, name="third"))
        tasks = [asyncio.create_task(c.send(outbound(seconds=60))) for c in (first, second, same)]
        await stuck.until(lambda: len(stuck.requests) == 2)
        await other.until(lambda: len(other.requests) == 1)
        first.interrupt()
        await settled(tasks[:1])
        assert not tasks[1].done()
        assert not tasks[2].done()
        second.interrupt()
        same.interrupt()
        await settled(tasks)


async def test_cancelled_and_interrupted_at_once_is_cancelled(channels, definition, outbound):
    async with serve(hang_after_request) as server:
        channel = channels.channel_for(definition(server.url))
        task = asyncio.create_task(channel.send(outbound(seconds=60)))
        await server.until(lambda: len(server.requests) == 1)
        channel.interrupt()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_deadline_that_passes_before_the_stop_is_a_timeout(send):
    async with serve(hang_after_request) as server:
        answer = await send(server.url, seconds=0.05)
    assert isinstance(answer, TransportFailure)
    assert (answer.kind, answer.detail, answer.sent) == ("timeout", "no answer within 0.05 s", True)
