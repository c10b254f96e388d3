"""Several URLs at once, and who gets which channel."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from fakes.hostile import hang_after_request, healthy, reset_after_reading, serve
from hookgram.channels.group import GroupChannel
from hookgram.channels.http import HttpChannel
from hookgram.core.definition import Origin
from hookgram.core.identity import host_name
from hookgram.core.outcome import GroupAnswer


async def test_all_members_get_the_same_request_and_each_answer_is_told(
    channels, definition, outbound
):
    async with (
        serve(healthy()) as good,
        serve(healthy("500 No")) as bad,
        serve(reset_after_reading) as cut,
    ):
        urls = (good.url, bad.url, cut.url)
        answer = await channels.channel_for(definition(*urls)).send(
            outbound(b"one", webhook_id="e")
        )
        requests = [server.requests[0] for server in (good, bad, cut)]
    assert isinstance(answer, GroupAnswer)
    assert [member.name for member in answer.members] == [host_name(url) for url in urls]
    first, second, third = (member.answer for member in answer.members)
    assert (first.status, second.status, third.kind) == (200, 500, "reset")
    assert {(r.body, r.header("webhook-id")) for r in requests} == {(b"one", "e")}
    assert answer.took >= max(first.took, second.took, third.took)


async def test_members_are_tried_side_by_side(channels, definition, outbound):
    """Each answers only when the other has its request too."""
    servers = []

    async def together(exchange):
        await exchange.request()
        for server in servers:
            await server.until(lambda server=server: len(server.requests) == 1)
        await exchange.answer()

    async with serve(together) as one, serve(together) as two:
        servers += [one, two]
        answer = await channels.channel_for(definition(one.url, two.url)).send(outbound(seconds=5))
    assert [member.answer.status for member in answer.members] == [200, 200]


async def test_a_stop_cuts_the_members_that_are_still_under_way(channels, definition, outbound):
    async with serve(healthy()) as good, serve(hang_after_request) as stuck:
        channel = channels.channel_for(definition(good.url, stuck.url))
        task = asyncio.create_task(channel.send(outbound(seconds=60)))
        await stuck.until(lambda: len(stuck.requests) == 1)
        await good.until(lambda: good.written > 0)
        for _ in range(20):
            await asyncio.sleep(0)
        channel.interrupt()
        async with asyncio.timeout(2):
            answer = await task
        later = await channel.send(outbound())
    first, second = (member.answer for member in answer.members)
    assert (first.status, second.kind, second.sent) == (200, "interrupted", True)
    assert {(m.answer.kind, m.answer.sent) for m in later.members} == {("interrupted", False)}
    await channel.close()


async def test_a_cancelled_group_hangs_up_everywhere(channels, definition, outbound):
    async with serve(hang_after_request) as one, serve(hang_after_request) as two:
        channel = channels.channel_for(definition(one.url, two.url))
        task = asyncio.create_task(channel.send(outbound(seconds=60)))
        for server in (one, two):
            await server.until(lambda server=server: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for server in (one, two):
            await server.until(lambda server=server: server.hung_up == 1)


async def test_a_group_has_members():
    with pytest.raises(ValueError, match="at least one"):
        GroupChannel([])


async def test_a_target_keeps_its_channel_until_its_urls_or_origin_change(channels, definition):
    one, two = "http://one.example/", "http://two.example/"
    channel = channels.channel_for(definition(one))
    assert isinstance(channel, HttpChannel)
    assert channels.channel_for(definition(one)) is channel
    moved = channels.channel_for(definition(two))
    assert moved is not channel
    assert channels.channel_for(definition(two)) is moved
    assert channels.channel_for(definition(two, origin=Origin.API)) is not moved
    assert isinstance(channels.channel_for(definition(one, two)), GroupChannel)


async def test_two_targets_of_one_url_have_a_channel_each(channels, definition):
    url = "http://one.example/"
    first = channels.channel_for(definition(url, name="first"))
    assert channels.channel_for(definition(url, name="second")) is not first


async def test_a_target_that_moved_is_called_at_its_new_place(channels, definition, outbound):
    async with serve(healthy()) as old, serve(healthy()) as new:
        for server in (old, new):
            await channels.channel_for(definition(server.url)).send(outbound())
        assert (len(old.requests), len(new.requests)) == (1, 1)


async def test_a_thousand_idle_targets_cost_next_to_nothing(channels, definition):
    channels.channel_for(definition("http://warm.example/"))
    tracemalloc.start()
    try:
        for n in range(1000):
            channels.channel_for(definition(f"https://host{n}.example/hook", name=f"t{n}"))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 5_000_000


async def test_closing_hangs_up_on_everybody(channels, definition, outbound):
    async with serve(healthy()) as server:
        await channels.channel_for(definition(server.url)).send(outbound())
        await channels.close()
        await server.until(lambda: server.hung_up == 1)
