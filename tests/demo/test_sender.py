"""The simulated Telegram, on real sockets: what it writes, in which order, and when again."""

from __future__ import annotations

import asyncio
import hashlib
from itertools import pairwise

import pytest

from demo.wire import Wire, answer, message
from hookgram.demo.journal import Journal, read_journal
from hookgram.demo.sender import Sender

FAST = 1000.0


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "telegram.jsonl")
    yield journal
    journal.close()


def telegram(wire: Wire, journal: Journal, **how) -> Sender:
    how.setdefault("speed", FAST)
    return Sender(wire.url, journal, secret="s-3_cret", **how)


def whats(journal: Journal, update_id: int) -> list[str]:
    return [entry["what"] for entry in journal.entries if entry["update_id"] == update_id]


def numbers(wire: Wire) -> list[int]:
    return [int(request.split(b'"update_id":')[1].split(b",")[0]) for request in wire.requests]


async def test_a_request_is_what_telegram_writes_byte_for_byte(journal):
    body = message(1)
    async with Wire() as wire, telegram(wire, journal) as sender:
        sender.post(body)
        await sender.drained(5)
        host = wire.host.encode()
    assert wire.requests == [
        b"POST /hook?x=1 HTTP/1.1\r\n"
        b"Host: " + host + b"\r\n"
        b"X-Telegram-Bot-Api-Secret-Token: s-3_cret\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: %d\r\n"
        b"Connection: keep-alive\r\n"
        b"Accept-Encoding: gzip, deflate\r\n"
        b"\r\n" % len(body) + body
    ]


async def test_updates_of_a_chat_go_one_after_another_through_one_connection(journal):
    async with Wire() as wire, telegram(wire, journal) as sender:
        wire.hold.clear()
        for number in range(1, 21):
            sender.post(message(number))
        await wire.until(lambda: wire.requests)
        assert numbers(wire) == [1]
        wire.hold.set()
        await sender.drained(5)
    assert numbers(wire) == list(range(1, 21))
    assert wire.connections == 1


async def test_updates_of_different_chats_fly_together(journal):
    async with Wire() as wire, telegram(wire, journal) as sender:
        wire.hold.clear()
        for number in range(1, 6):
            sender.post(message(number, chat=number))
        await wire.until(lambda: len(wire.requests) == 5)
        assert sorted(numbers(wire)) == [1, 2, 3, 4, 5]
        wire.hold.set()
        await sender.drained(5)


async def test_no_more_updates_fly_than_there_are_connections(journal):
    async with Wire() as wire, telegram(wire, journal, max_connections=3) as sender:
        wire.hold.clear()
        for number in range(1, 10):
            sender.post(message(number, chat=number))
        await wire.until(lambda: len(wire.requests) == 3)
        wire.hold.set()
        await sender.drained(5)
        assert wire.connections <= 3
    assert sorted(numbers(wire)) == list(range(1, 10))


async def test_twice_as_many_failing_chats_as_connections_stall_everybody_else(journal):
    bad = (b'"id":1}', b'"id":2}')
    failing = Wire(lambda request: answer(500 if any(b in request for b in bad) else 200))
    async with failing as wire, telegram(wire, journal, max_connections=1) as sender:
        for chat in (1, 2, 3):
            sender.post(message(chat, chat=chat))
        await wire.until(lambda: len(wire.requests) >= 12)
        assert 3 not in numbers(wire)
        wire.script = lambda _: answer(200)
        await sender.drained(10)
    assert 3 in numbers(wire)
    assert whats(journal, 3) == ["posted", "sent", "answered", "acked"]


async def test_one_failing_chat_fewer_stalls_nobody(journal):
    failing = Wire(lambda request: answer(500 if b'"id":1}' in request else 200))
    async with failing as wire, telegram(wire, journal, max_connections=1) as sender:
        for chat in (1, 2, 3):
            sender.post(message(chat, chat=chat))
        await wire.until(lambda: 3 in numbers(wire))


async def test_the_first_failure_is_repeated_at_once_and_order_is_kept(journal):
    answers = iter([answer(500), answer(301), answer(204)])
    async with (
        Wire(lambda _: next(answers, answer(200))) as wire,
        telegram(wire, journal, speed=20) as sender,
    ):
        sender.post(message(1))
        sender.post(message(2))
        await sender.drained(5)
    assert numbers(wire) == [1, 1, 1, 2]
    at = [entry["at"] for entry in journal.entries if entry["what"] == "sent"]
    first, second, _ = (later - earlier for earlier, later in pairwise(at))
    assert first < 0.05
    assert second >= 0.095


async def test_retry_after_beyond_the_lifetime_drops_the_update(journal):
    query = b'{"update_id":1,\n"callback_query":{"id":"1","from":{"id":5},"data":"x"}}'
    async with (
        Wire(lambda _: answer(429, "Retry-After: 300")) as wire,
        telegram(wire, journal) as sender,
    ):
        sender.post(query)
        await sender.drained(5)
    assert len(wire.requests) == 1
    assert whats(journal, 1)[-1] == "gave_up"


async def test_retry_after_is_waited_for(journal):
    answers = iter([answer(503, "Retry-After: 4")])
    async with (
        Wire(lambda _: next(answers, answer(200))) as wire,
        telegram(wire, journal, speed=20) as sender,
    ):
        sender.post(message(1))
        await sender.drained(5)
    first, second = (entry["at"] for entry in journal.entries if entry["what"] == "sent")
    assert second - first >= 0.19


async def test_an_update_is_given_up_when_its_time_is_over(journal):
    query = b'{"update_id":1,\n"inline_query":{"id":"1","from":{"id":5},"query":""}}'
    async with Wire(lambda _: answer(500)) as wire, telegram(wire, journal) as sender:
        sender.post(query)
        sender.post(message(2))
        await wire.until(lambda: numbers(wire).count(1) >= 5)
        wire.script = lambda request: answer(500 if b"inline_query" in request else 200)
        await sender.drained(5)
    # At once, 2, 4, 8 s; the 16 s after those would end beyond 30 s.
    assert numbers(wire).count(1) == 5
    assert whats(journal, 1)[-1] == "gave_up"
    assert whats(journal, 2)[-1] == "acked"


async def test_no_answer_in_time_is_a_failure_and_the_connection_is_given_up(journal):
    async with Wire() as wire, telegram(wire, journal) as sender:
        wire.hold.clear()
        sender.post(message(1))
        await wire.until(lambda: len(wire.requests) == 2)
        assert wire.connections == 2
        wire.hold.set()
        await sender.drained(5)
    failed = [entry for entry in journal.entries if entry["what"] == "failed"]
    assert failed[0]["why"] == "TimeoutError"


BAD = {
    "nothing": b"",
    "garbage": b"garbage\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 OK\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "a body that is too large": b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
    "brotli": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("reply", BAD.values(), ids=BAD.keys())
async def test_an_answer_that_is_none_is_a_failure_and_the_update_comes_again(journal, reply):
    answers = iter([reply])
    async with (
        Wire(lambda _: next(answers, answer(200))) as wire,
        telegram(wire, journal) as sender,
    ):
        sender.post(message(1))
        await sender.drained(5)
    assert whats(journal, 1) == ["posted", "sent", "failed", "sent", "answered", "acked"]


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: x\r\n\r\n"
)
GOOD = {
    "chunks": CHUNKED,
    "a body": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("reply", GOOD.values(), ids=GOOD.keys())
async def test_a_whole_answer_leaves_the_connection_for_the_next(journal, reply):
    async with Wire(lambda _: reply) as wire, telegram(wire, journal) as sender:
        for number in (1, 2, 3):
            sender.post(message(number))
        await sender.drained(5)
    assert numbers(wire) == [1, 2, 3]
    assert wire.connections == 1


async def test_a_connection_that_is_to_be_closed_is_not_used_again(journal):
    async with (
        Wire(lambda _: answer(200, "Connection: close")) as wire,
        telegram(wire, journal) as sender,
    ):
        sender.post(message(1))
        sender.post(message(2))
        await sender.drained(5)
    assert (numbers(wire), wire.connections) == ([1, 2], 2)


async def test_it_outlives_a_kill_and_goes_on_in_order(journal):
    async with Wire() as wire, telegram(wire, journal) as sender:
        sender.post(message(1))
        await sender.drained(5)
        wire.hold.clear()
        for number in (2, 3, 4):
            sender.post(message(number))
        await wire.until(lambda: numbers(wire) == [1, 2])
        await wire.shut()
        assert sender.left == 3
        await wire.open()
        await sender.drained(5)
    assert [n for n in numbers(wire) if n != 2] == [1, 3, 4]
    acked = [entry["update_id"] for entry in journal.entries if entry["what"] == "acked"]
    assert acked == [1, 2, 3, 4]


async def test_twins_fly_beside_each_other(journal):
    async with Wire() as wire, telegram(wire, journal) as sender:
        wire.hold.clear()
        sender.post(message(1))
        sender.post(message(1), aside=True)
        await wire.until(lambda: len(wire.requests) == 2)
        wire.hold.set()
        await sender.drained(5)
    posted = [entry for entry in journal.entries if entry["what"] == "posted"]
    assert {entry["queue"] for entry in posted} == {"chat:7"}
    assert whats(journal, 1).count("acked") == 2


async def test_any_bytes_can_be_posted_and_are_ordered_with_nothing(journal):
    async with Wire() as wire, telegram(wire, journal) as sender:
        wire.hold.clear()
        for body in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
            sender.post(body)
        await wire.until(lambda: len(wire.requests) == 4)
        wire.hold.set()
        await sender.drained(5)
    assert {entry["what"] for entry in journal.entries} == {"posted", "sent", "answered", "acked"}


async def test_the_journal_says_what_was_done_and_can_be_read_back(journal):
    body = message(1)
    async with Wire() as wire, telegram(wire, journal) as sender:
        sender.post(body)
        await sender.drained(5)
    read = read_journal(journal.path)
    assert read == journal.entries
    assert [entry["what"] for entry in read] == ["posted", "sent", "answered", "acked"]
    assert {entry["number"] for entry in read} == {1}
    posted = read[0]
    payload = body.split(b'"message":')[1][:-1]
    assert posted["kind"] == "message"
    assert posted["queue"] == "chat:7"
    assert posted["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert posted["raw_sha256"] == hashlib.sha256(payload).hexdigest()
    assert read[2]["status"] == 200


async def drain_one(sender: Sender) -> None:
    async with sender:
        sender.post(message(1))
        await sender.drained(5)


async def test_what_breaks_inside_is_raised_and_not_forgotten(journal, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("hookgram.demo.sender.wait_after", broken)
    async with Wire(lambda _: answer(500)) as wire:
        with pytest.raises(BaseExceptionGroup) as caught:
            await drain_one(telegram(wire, journal))
    assert caught.group_contains(ZeroDivisionError)


async def test_a_deadline_that_passes_is_told(journal):
    async with Wire(lambda _: answer(500)) as wire, telegram(wire, journal) as sender:
        sender.post(message(1))
        with pytest.raises(TimeoutError):
            await sender.drained(0.05)
        assert sender.left == 1


async def test_nobody_listening_costs_no_update(journal):
    wire = Wire()
    async with wire:
        pass
    async with telegram(wire, journal) as sender:
        sender.post(message(1))
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                await sender.drained(0.1)
        await wire.open()
        await sender.drained(5)
        await wire.shut()
    assert whats(journal, 1)[-1] == "acked"
