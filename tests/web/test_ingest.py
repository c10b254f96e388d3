from __future__ import annotations

import asyncio

import pytest

from fakes.http import request, serving, together
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.access import Access
from hookgram.core.definition import Bot
from hookgram.core.facts import EventAccepted, IngestRejected, UpdateRefused
from hookgram.web.door import Door
from web.posting import BOT, PATH, SECRET, TOKEN, Build, post, update

pytestmark = pytest.mark.usefixtures("way")

HEADER = TOKEN[0]

WRONG_SECRETS: dict[str, list[tuple[str, str | bytes]]] = {
    "missing": [("X-Other", "1")],
    "wrong": [(HEADER, "wrong")],
    "empty": [(HEADER, "")],
    "in another case": [(HEADER, SECRET.upper())],
    "the beginning of it": [(HEADER, SECRET[:-1])],
    "longer": [(HEADER, SECRET + "x")],
    "twice": [(HEADER, SECRET), (HEADER, SECRET)],
    "right, then wrong": [(HEADER, SECRET), (HEADER, "wrong")],
    "not ASCII": [(HEADER, "gehéim".encode())],
    "no text at all": [(HEADER, b"\xff\xfe\x80")],
    "very long": [(HEADER, "x" * 20_000)],
}


async def test_an_update_is_answered_ok_once_it_is_kept(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway:
        answer = await post(gateway, update(1))
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    assert answer.headers["content-type"] == "application/json"
    assert inbox.bodies == [update(1)]


async def test_the_answer_waits_for_the_commit(build: Build, inbox: RecordingInbox) -> None:
    inbox.gate.clear()
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        await inbox.reached.wait()
        answering = asyncio.create_task(wire.answer())
        for _ in range(50):
            await asyncio.sleep(0)
        assert not answering.done()
        inbox.gate.set()
        assert (await answering).status == 200


async def test_a_repeated_update_is_answered_ok(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway:
        answers = [await post(gateway, update(1)) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert inbox.bodies == [update(1)]


@pytest.mark.parametrize("headers", WRONG_SECRETS.values(), ids=WRONG_SECRETS)
async def test_a_wrong_secret_is_refused_before_the_body_is_read(
    build: Build, inbox: RecordingInbox, facts: Facts, headers: list[tuple[str, str | bytes]]
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, b"", headers, length=100))
        answer = await wire.answer()
        assert answer.status == 403
        assert answer.headers["connection"] == "close"
        assert SECRET not in answer.body.decode()
        await wire.send(b"x" * 100)
        assert await wire.ended()
    assert inbox.arrivals == []
    assert [fact.status for fact in facts.of(IngestRejected)] == [403]


async def test_a_refused_sender_of_much_still_sees_why(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway:
        answer = await post(gateway, b"x" * 10_000_000, (HEADER, "wrong"))
    assert answer.status == 403


async def test_the_header_of_the_secret_is_read_in_any_case(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway:
        answer = await post(gateway, update(1), (HEADER.upper(), SECRET))
    assert answer.status == 200


async def test_without_a_configured_secret_none_is_asked(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox, secret=None)) as gateway:
        assert (await post(gateway, update(1), ("X-Other", "1"))).status == 200
        assert (await post(gateway, update(2), (HEADER, "whatever"))).status == 200
    assert inbox.bodies == [update(1), update(2)]


async def test_without_a_configured_secret_what_is_no_update_is_not_kept(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox, secret=None)) as gateway, gateway.wire() as wire:
        for body in (b"", b"{", b"[]", b'{"update_id":"1","message":{}}'):
            await wire.send(request("POST", PATH, body))
            answer = await wire.answer()
            assert answer.status == 400
            assert "connection" not in answer.headers
    assert inbox.arrivals == []


async def test_a_stranger_is_answered_ok_and_not_stored(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    async with serving(build(inbox, access=Access())) as gateway:
        assert (await post(gateway, update(1))).body == b'{"ok":true}'
    assert inbox.arrivals == []
    assert inbox.refused == [(123456, 7, "private")]
    assert len(facts.of(UpdateRefused)) == 1


async def test_one_connection_serves_many_updates(build: Build, inbox: RecordingInbox) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        for number in range(20):
            await wire.send(request("POST", PATH, update(number), [TOKEN]))
            answer = await wire.answer()
            assert answer.status == 200
            assert "connection" not in answer.headers
    assert inbox.bodies == [update(number) for number in range(20)]


async def test_updates_written_without_waiting_are_answered_in_their_order(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        requests = [request("POST", PATH, update(number), [TOKEN]) for number in range(5)]
        await wire.send(b"".join(requests))
        assert [(await wire.answer()).status for _ in requests] == [200] * 5
    assert inbox.bodies == [update(number) for number in range(5)]


async def test_many_connections_at_once_are_all_served(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    async with serving(build(inbox)) as gateway:
        answers = await together(*(post(gateway, update(number)) for number in range(100)))
    assert {answer.status for answer in answers} == {200}
    assert len(facts.of(EventAccepted)) == 100


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_post_is_taken(build: Build, inbox: RecordingInbox, method: str) -> None:
    async with serving(build(inbox)) as gateway:
        answer = await gateway.request(method, PATH, b"", [TOKEN])
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert inbox.arrivals == []


async def test_a_body_that_is_not_taken_is_not_waited_for(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("PUT", PATH, b"", [TOKEN, ("Content-Length", "1000")]))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (405, "close")


async def test_each_bot_has_its_own_path_and_secret(build: Build, inbox: RecordingInbox) -> None:
    doors = {
        PATH: Door(bot=BOT, secret=SECRET),
        f"{PATH}/other": Door(bot=Bot(name="other", bot_id=99), secret="another"),
    }
    async with serving(build(inbox, doors=doors)) as gateway:
        assert (await post(gateway, update(1))).status == 200
        other = f"{PATH}/other"
        assert (await post(gateway, update(1), (HEADER, "another"), path=other)).status == 200
        assert (await post(gateway, update(2), TOKEN, path=other)).status == 403
    assert [arrival.event.bot_id for arrival in inbox.arrivals] == [123456, 99]


@pytest.mark.parametrize("path", ["/", "/telegram", f"{PATH}/", f"{PATH}/unknown", "/elsewhere"])
async def test_other_paths_are_served_behind_it(
    build: Build, inbox: RecordingInbox, path: str
) -> None:
    async with serving(build(inbox)) as gateway:
        assert (await post(gateway, update(1), path=path)).json == {"elsewhere": True}
    assert inbox.arrivals == []


async def test_what_the_request_says_of_its_body_does_not_matter(
    build: Build, inbox: RecordingInbox
) -> None:
    async with serving(build(inbox)) as gateway:
        for number, kind in enumerate(["text/plain", "multipart/form-data", "", "application/xml"]):
            answer = await gateway.request(
                "POST", PATH, update(number), [TOKEN, ("Content-Type", kind)]
            )
            assert answer.status == 200
        packed = [TOKEN, ("Content-Encoding", "gzip")]
        assert (await gateway.request("POST", PATH, b"\x1f\x8b\x08", packed)).status == 200
    assert [arrival.event.kind for arrival in inbox.arrivals] == ["message"] * 4 + ["unparsed"]


def test_a_door_does_not_show_its_secret() -> None:
    assert SECRET not in repr(Door(bot=BOT, secret=SECRET))
