"""Replies, executed against a Bot API server that behaves, and misbehaves, like Telegram's."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import FormData, web

from fakes.facts import Facts
from fakes.gateway import free_port
from hookgram.core.facts import ReplyEnded, TaskFailed
from hookgram.core.model import SECOND, Attempt
from hookgram.core.replying import Ended, Ending, Reply
from hookgram.demo.bot_api import FakeBotApi, No, Raw
from hookgram.errors import StoreUnavailable
from hookgram.telegram import replies as room
from hookgram.telegram.replies import Replies

TOKEN = "123456:CANARY-CANARY-CANARY-CANARY"
ATTEMPT = Attempt(number=1, started_at=5, took=7, status=200)
SENT = b'{"method":"sendMessage","chat_id":5,"text":"hi"}'

IN_PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="method"\r\n\r\nsendMessage\r\n'
    b'--x\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n5\r\n--x--\r\n'
)


class Keeper:
    def __init__(self) -> None:
        self.kept: dict[int, Attempt] = {}
        self.endings: list[str] = []
        self.trouble: Exception | None = None
        self.troubled_from = 0

    async def keep(self, delivery_id: int, attempt: Attempt) -> None:
        if self.trouble is not None and len(self.endings) >= self.troubled_from:
            raise self.trouble
        self.kept[delivery_id] = attempt
        [row] = json.loads(attempt.members)
        self.endings.append(row["ending"])


class Office:
    """Replies, what they are told with and where they are kept."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.keeper = Keeper()

    def open(self, url: str, *, patience: int = 60 * SECOND) -> Replies:
        return Replies(
            base_url=url,
            tokens={123456: TOKEN},
            keeper=self.keeper,
            notice=self.facts,
            patience=patience,
        )

    async def ended(self, count: int = 1, **how) -> list[Ended]:
        return [fact.ended for fact in await self.facts.wait(ReplyEnded, count=count, **how)]


def reply(body: bytes | None = SENT, content_type: str = "application/json", **fields) -> Reply:
    given = {"seq": 1, "event_id": "evt_1", "bot_id": 123456, "delivery_id": 9, "target": "bot"}
    return Reply(**(given | fields), attempt=ATTEMPT, content_type=content_type, body=body)


@pytest.fixture
def office():
    return Office()


@pytest.fixture
async def server():
    async with FakeBotApi(TOKEN) as server:
        yield server


async def test_a_call_is_executed_and_its_outcome_is_told_and_kept(server, office):
    async with office.open(server.url) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, ended.method, ended.status) == (Ending.EXECUTED, "sendMessage", 200)
    assert server.calls == [
        ("sendmessage", {"method": "sendMessage", "chat_id": "5", "text": "hi"})
    ]
    kept = office.keeper.kept[9]
    assert (kept.number, kept.started_at, kept.status) == (1, 5, 200)
    [row] = json.loads(kept.members)
    assert (row["name"], row["ending"], row["status"]) == ("telegram", "executed", 200)


async def test_what_the_bot_wrote_passes_unchanged_its_files_too(office):
    file = bytes(range(256)) * 4000
    form = FormData({"method": "sendDocument", "chat_id": "5"})
    form.add_field("document", file, filename="a b.bin", content_type="application/octet-stream")
    payload = form()
    body = await payload.as_bytes()
    came: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((request.path, request.headers["Content-Type"], await request.read()))
        return web.json_response({"ok": True, "result": True})

    app = web.Application(client_max_size=2**22)
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/base/"
        async with office.open(url) as replies:
            replies.take(reply(body, payload.content_type))
            [ended] = await office.ended()
    finally:
        await runner.cleanup()
    assert ended.ending is Ending.EXECUTED
    assert came == [(f"/base/bot{TOKEN}/sendDocument", payload.content_type, body)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"method=sendMessage&chat_id=5&text=hi", "application/x-www-form-urlencoded"),
        (
            IN_PARTS,
            "multipart/form-data; boundary=x",
        ),
    ],
)
async def test_a_call_may_be_a_form_or_in_parts(server, office, body, content_type):
    async with office.open(server.url) as replies:
        replies.take(reply(body, content_type))
        [ended] = await office.ended()
    assert ended.ending is Ending.EXECUTED
    assert server.calls[0][1]["chat_id"] == "5"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json"),
        (b"nonsense", "application/json"),
        (b"nonsense", "multipart/form-data"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"--x\r\n" * 5000, "multipart/form-data; boundary=x"),
        (b"--x\r\nA: b" + b"a" * 20_000, "multipart/form-data; boundary=x"),
        (SENT, "text/plain"),
    ],
)
async def test_an_answer_without_a_call_does_nothing(server, office, body, content_type):
    async with office.open(server.url) as replies:
        replies.take(reply(body, content_type))
    assert (server.calls, office.facts.all, office.keeper.kept) == ([], [], {})


async def test_what_must_not_be_executed_is_told_and_not_sent(server, office):
    async with office.open(server.url) as replies:
        replies.take(reply(b'{"method":"deleteWebhook"}'))
        replies.take(reply(None))
        replies.take(reply(bot_id=7))
        ended = await office.ended(3)
    assert {one.ending for one in ended} == {Ending.FORBIDDEN, Ending.UNREADABLE, Ending.DROPPED}
    assert server.calls == []


async def test_a_refusal_is_final_and_says_what_telegram_said(server, office):
    server.script.append(No(403, "Forbidden: bot was blocked by the user"))
    async with office.open(server.url) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, ended.status) == (Ending.REFUSED, 403)
    assert ended.error == "Forbidden: bot was blocked by the user"
    assert len(server.calls) == 1


async def test_what_may_have_been_executed_is_not_tried_again(server, office):
    server.script.append(Raw(status=502))
    async with office.open(server.url) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, len(server.calls)) == (Ending.UNKNOWN, 1)


@pytest.mark.parametrize(
    "body",
    [b'{"ok":true,"description":"\xff"}', b'{"ok":true,"result":' + b"[" * 20_000],
    ids=["no text", "too deep"],
)
async def test_an_answer_that_cannot_be_read_leaves_it_unknown(server, office, body):
    server.script.append(Raw(body=body))
    async with office.open(server.url) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, ended.method) == (Ending.UNKNOWN, "sendMessage")
    assert office.facts.of(TaskFailed) == []


async def test_it_waits_as_long_as_telegram_asks_and_others_of_the_chat_behind_it(server, office):
    server.script.append(No(429, "Too Many Requests: retry after 1", retry_after=1))
    async with office.open(server.url) as replies:
        replies.take(reply())
        replies.take(reply(SENT.replace(b"hi", b"second")))
        await office.ended(2)
    assert [call["text"] for _, call in server.calls] == ["hi", "hi", "second"]


async def test_it_is_given_up_when_telegram_asks_to_wait_too_long(server, office):
    server.script.append(No(429, "Too Many Requests: retry after 60", retry_after=60))
    async with office.open(server.url, patience=SECOND // 5) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, ended.error) == (Ending.EXPIRED, "Too Many Requests: retry after 60")


async def test_a_server_that_cannot_be_reached_is_tried_until_it_can(office, monkeypatch):
    monkeypatch.setattr(room, "FIRST_PAUSE", 0.05)
    async with office.open(f"http://127.0.0.1:{free_port()}", patience=SECOND // 5) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, ended.error) == (Ending.EXPIRED, "the Bot API cannot be reached")
    assert TOKEN not in str(office.facts.all)


async def test_a_chat_gets_one_a_second_after_a_short_burst_and_others_do_not_wait(server, office):
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with office.open(server.url) as replies:
        for _ in range(4):
            replies.take(reply())
        replies.take(reply(SENT.replace(b":5", b":6"), target="other"))
        await office.facts.wait(ReplyEnded, where=lambda fact: fact.target == "other")
        others = loop.time() - began
        await office.ended(5)
    assert others < 0.9 <= loop.time() - began
    assert [call["chat_id"] for _, call in server.calls].count("5") == 4


async def test_no_more_wait_than_fit(server, office, monkeypatch):
    monkeypatch.setattr(room, "MOST_BYTES", len(SENT))
    async with office.open(server.url) as replies:
        replies.take(reply())
        replies.take(reply())
        ended = await office.ended(2)
    assert [one.ending for one in ended] == [Ending.DROPPED, Ending.EXECUTED]


async def test_the_stop_lets_them_end_and_then_drops_them_aloud(server, office, monkeypatch):
    monkeypatch.setattr(room, "LANDING", 0.2)
    server.script.append(Raw(body=None, delay=30.0))
    async with office.open(server.url) as replies:
        replies.take(reply())
        replies.take(reply())
    ended = await office.ended(2)
    assert {one.ending for one in ended} == {Ending.UNKNOWN, Ending.DROPPED}


async def test_that_it_may_be_executed_is_kept_before_it_is_sent(server, office):
    seen = []
    keep = office.keeper.keep

    async def watched(delivery_id, attempt):
        seen.append(len(server.calls))
        await keep(delivery_id, attempt)

    office.keeper.keep = watched
    async with office.open(server.url) as replies:
        replies.take(reply())
        await office.ended()
    assert seen == [0, 1]
    assert office.keeper.endings == ["unknown", "executed"]


async def test_what_cannot_be_kept_before_is_not_sent(server, office):
    office.keeper.trouble = StoreUnavailable("the disk is full")
    async with office.open(server.url) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert (ended.ending, server.calls) == (Ending.DROPPED, [])
    assert "the disk is full" in ended.error


async def test_a_store_that_cannot_keep_the_outcome_does_not_undo_it(server, office):
    office.keeper.trouble = StoreUnavailable("the disk is full")
    office.keeper.troubled_from = 1
    async with office.open(server.url) as replies:
        replies.take(reply())
        [ended] = await office.ended()
    assert ended.ending is Ending.EXECUTED
    assert len(office.facts.all) == 1
