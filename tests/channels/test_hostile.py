"""The targets nobody wishes for: each gets one request, costs little, and harms no neighbour."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import hostile
from fakes.hostile import endless, healthy, raw, serve
from hookgram.core.outcome import Response, TransportFailure

MOST_WRITTEN = 2_000_000
"""Bytes that fit into the system's buffers between us, and some."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

FAILING = {
    "hangs after accept": (hostile.hang_after_accept, "timeout"),
    "hangs after the request": (hostile.hang_after_request, "timeout"),
    "drips its headers": (hostile.drip_headers, "timeout"),
    "one endless header": (hostile.endless_header, "protocol"),
    "endless headers": (hostile.endless_headers, "protocol"),
    "endless interim answers": (hostile.endless_interim, "protocol"),
    "slow endless interim answers": (
        hostile.drip(b"HTTP/1.1 102 Processing\r\n\r\n" * 8, b"HTTP/1.1 102 P\r\n\r\n"),
        "timeout",
    ),
    "resets before reading": (hostile.reset_before_reading, "reset"),
    "resets after reading": (hostile.reset_after_reading, "reset"),
    "hangs up before an answer": (hostile.close_before_answer, "reset"),
    "half a head": (hostile.half_a_head, "reset"),
    "garbage": (hostile.garbage, "protocol"),
    "endless garbage": (hostile.endless_garbage, "protocol"),
    "HTTP/0.9": (hostile.http_0_9, "protocol"),
    "a status of letters": (raw(b"HTTP/1.1 2OO OK\r\n\r\n"), "protocol"),
    "two lengths": (raw(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "protocol"),
    "a negative length": (raw(OK + b"Content-Length: -1\r\n\r\n"), "protocol"),
    "more headers than anyone needs": (raw(OK + b"X: y\r\n" * 200 + b"\r\n"), "protocol"),
}
ANSWERING = {
    "drips its body": hostile.drip_body,
    "endless body": hostile.endless_body,
    "endless body until closed": endless(OK + b"\r\n", bytes(65536)),
    "endless chunk extension": endless(CHUNKED + b"1;", b"a" * 4096),
    "endless trailers": endless(CHUNKED + b"0\r\n", b"X-A: b\r\n" * 500),
    "endless tiny chunks": endless(CHUNKED, b"1\r\na\r\n" * 1000),
    "endless answers": endless(b"", (OK + b"Content-Length: 0\r\n\r\n") * 100),
    "gzip bomb": hostile.gzip_bomb,
    "NUL in the reason": hostile.nul_in_reason,
    "resets after the headers": hostile.reset_after_headers,
    "answers without reading": hostile.answer_without_reading,
    "a body that is not chunked as it says": raw(CHUNKED + b"no chunk at all", then_wait=True),
    "a body shorter than it says": raw(OK + b"Content-Length: 99\r\n\r\nshort"),
    "a body longer than it says": raw(OK + b"Content-Length: 1\r\n\r\nlonger", then_wait=True),
    "204 with a body": raw(b"HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\nbody", then_wait=True),
}


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda name: name.replace(" ", "-"))


@named(FAILING)
async def test_no_complete_head_is_a_failure_of_its_kind(send, case):
    behaviour, kind = FAILING[case]
    async with serve(behaviour) as server:
        answer = await send(server.url, seconds=0.3)
        await server.until(lambda: server.connections == 1)
        assert server.written < MOST_WRITTEN
        assert len(server.requests) <= 1
    assert isinstance(answer, TransportFailure)
    assert answer.kind == kind
    assert answer.sent or case == "resets before reading"
    assert answer.took < 2_000_000


@pytest.mark.usefixtures("impatient")
@named(ANSWERING)
async def test_a_complete_2xx_head_is_a_success_whatever_the_body_does(send, case):
    async with serve(ANSWERING[case]) as server:
        answer = await send(server.url, seconds=5)
        assert server.connections == 1
        assert server.written < MOST_WRITTEN
        assert len(server.requests) <= 1
    assert isinstance(answer, Response)
    assert 200 <= answer.status < 300
    assert len(answer.excerpt) <= 2048
    assert answer.took < 2_000_000


async def test_a_switch_of_protocols_is_no_success(send):
    switch = raw(
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx", then_wait=True
    )
    async with serve(switch) as server:
        answer = await send(server.url, seconds=0.3)
        await server.until(lambda: server.hung_up == 1)
    assert isinstance(answer, TransportFailure) or answer.status == 101


async def test_a_dripping_body_does_not_hold_the_slot_until_the_deadline(send):
    async with serve(hostile.drip_body) as server:
        answer = await send(server.url, seconds=30)
    assert answer.status == 200
    assert 900_000 < answer.took < 5_000_000


async def test_the_deadline_ends_the_body_too(send):
    async with serve(hostile.drip_body) as server:
        answer = await send(server.url, seconds=0.2)
    assert answer.status == 200
    assert answer.took < 900_000


async def test_a_body_that_makes_no_sense_is_not_waited_for(send):
    async with serve(raw(CHUNKED + b"no chunk at all", then_wait=True)) as server:
        answer = await send(server.url)
    assert answer.status == 200
    assert answer.took < 900_000


async def test_a_bomb_is_not_unpacked(send):
    async with serve(hostile.gzip_bomb) as server:
        tracemalloc.start()
        try:
            answer = await send(server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.status == 200
    assert peak < 2_000_000


async def test_a_connection_whose_request_was_not_taken_whole_is_not_used_again(send):
    async with serve(hostile.answer_without_reading) as server:
        for _ in range(2):
            assert (await send(server.url, b"x" * 20_000_000)).status == 200
        assert server.connections == 2


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    "behaviour",
    [hostile.hang_after_accept, hostile.answer_without_reading],
    ids=["silent", "hasty"],
)
async def test_who_does_not_read_cannot_keep_our_socket(send, behaviour):
    def sockets() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (names are all we need)

    async with serve(behaviour) as server:
        before = sockets()
        await send(server.url, b"x" * 20_000_000, seconds=0.3)
        async with asyncio.timeout(5):
            while sockets() > before + server.connections:  # noqa: ASYNC110  (a fact of the system)
                await asyncio.sleep(0)


async def test_neighbours_of_hostile_targets_are_served_as_ever(channels, definition, send):
    behaviours = [*(behaviour for behaviour, _ in FAILING.values()), *ANSWERING.values()]
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        servers = [await stack.enter_async_context(serve(behaviour)) for behaviour in behaviours]
        good = await stack.enter_async_context(serve(healthy()))
        stuck = [group.create_task(send(server.url, seconds=20)) for server in servers * 3]
        answers = [await send(good.url) for _ in range(50)]
        assert {answer.status for answer in answers} == {200}
        assert max(answer.took for answer in answers) < 1_000_000
        assert sum(not task.done() for task in stuck) >= 9  # three targets hang, three times each
        for server in servers:
            channels.channel_for(definition(server.url, name=server.url)).interrupt()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 ", OK, OK + b"\r\n", CHUNKED]))
async def test_no_bytes_make_it_raise(send, data, head):
    async with serve(raw(head + data)) as server:
        answer = await send(server.url, seconds=2)
    assert isinstance(answer, Response | TransportFailure)
