"""The sample target: it answers as it is told, and its journal says what really went out."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import socket

import pytest

from hookgram.demo.journal import Journal, read_journal
from hookgram.demo.receiver import Receiver, Response

RAW = b'{"data":"\xff\\u0000 \xe2\x98\x83"}'


def event(update_id: int = 1, raw: bytes = RAW) -> bytes:
    return b'{"event":"callback_query","chat_id":5,"user_id":6,"raw":%s,"update_id":%d}' % (
        raw,
        update_id,
    )


class Client:
    """A connection to a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._place = ("127.0.0.1", int(receiver.url.split(":")[2].split("/")[0]))

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection(*self._place)
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    def send(self, body: bytes, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{name}: {value}" for name, value in ({"webhook-id": "evt_1"} | named).items()]
        head = "\r\n".join(["POST /x HTTP/1.1", f"Content-Length: {len(body)}", *lines])
        self.writer.write(head.encode() + b"\r\n\r\n" + body)

    async def status(self) -> int:
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            await self.reader.readexactly(length)
        return int(head.split(b" ")[1])


@pytest.fixture
async def receiver(tmp_path):
    journal = Journal(tmp_path / "target.jsonl")
    async with Receiver("target", journal, secret="s") as receiver:
        yield receiver
    journal.close()


async def test_it_writes_down_what_the_ledger_needs_before_it_answers(receiver):
    body = event()
    signature = hmac.digest(b"s", body, "sha256").hex()
    async with Client(receiver) as client:
        client.send(body, X_Gateway_Signature=signature, X_Gateway_Attempt="3")
        assert await client.status() == 200
        [entry] = read_journal(receiver.journal.path)
    assert entry.pop("at") > 0
    assert entry == {
        "what": "received",
        "status": 200,
        "id": "evt_1",
        "attempt": 3,
        "replay_of": None,
        "signed": True,
        "update_id": 1,
        "bot_id": None,
        "chat_id": 5,
        "user_id": 6,
        "kind": "callback_query",
        "raw_sha256": hashlib.sha256(RAW).hexdigest(),
    }


async def test_a_wrong_or_missing_signature_is_noticed(receiver):
    async with Client(receiver) as client:
        client.send(event(), X_Gateway_Signature="0" * 64)
        await client.status()
        client.send(event())
        await client.status()
    assert [entry["signed"] for entry in receiver.journal.entries] == [False, False]


async def test_an_unread_body_and_a_bare_update_are_known_by_telegrams_bytes(receiver):
    odd = b"\xff not json"
    unparsed = b'{"event":"unparsed","raw":null,"raw_base64":"%s"}' % base64.b64encode(odd)
    bare = b'{"update_id":7,\n"callback_query":%s}' % RAW
    async with Client(receiver) as client:
        for body in (unparsed, bare, odd):
            client.send(body)
            assert await client.status() == 200
    digests = [entry["raw_sha256"] for entry in receiver.journal.entries]
    assert digests == [hashlib.sha256(raw).hexdigest() for raw in (odd, RAW, odd)]
    assert [entry["update_id"] for entry in receiver.journal.entries] == [None, 7, None]


async def test_it_answers_as_it_is_told(receiver):
    statuses = iter([500, 429, 200])
    receiver.behaviour = lambda _: Response(status=next(statuses), headers=(("X-A", "b"),))
    async with Client(receiver) as client:
        for expected in (500, 429, 200):
            client.send(event())
            assert await client.status() == expected
    assert [entry["status"] for entry in receiver.journal.entries] == [500, 429, 200]


async def test_it_can_hang_up_without_a_word(receiver):
    receiver.behaviour = lambda _: Response(status=0)
    async with Client(receiver) as client:
        client.send(event())
        async with asyncio.timeout(5):
            with pytest.raises((ConnectionError, EOFError)):
                await client.reader.readexactly(1)
    assert [entry["status"] for entry in receiver.journal.entries] == [0]


async def test_an_answer_nobody_waits_for_any_more_is_not_called_delivered(receiver):
    receiver.behaviour = lambda _: Response(delay=60)
    async with Client(receiver) as client:
        client.send(event())
        await receiver.until(lambda: receiver.count == 1, 5)
        assert receiver.journal.entries == []
    await receiver.until(lambda: receiver.journal.entries, 5)
    assert [entry["status"] for entry in receiver.journal.entries] == [0]


async def test_going_down_with_answers_outstanding_delivers_none_of_them(receiver):
    receiver.behaviour = lambda _: Response(delay=60)
    async with Client(receiver) as client:
        client.send(event())
        await receiver.until(lambda: receiver.count == 1, 5)
        await receiver.shut()
        assert [entry["status"] for entry in receiver.journal.entries] == [0]


async def test_a_delayed_answer_is_written_down_when_it_goes_out(receiver):
    receiver.behaviour = lambda _: Response(delay=0.05)
    async with Client(receiver) as client:
        client.send(event())
        await receiver.until(lambda: receiver.count == 1, 5)
        assert receiver.journal.entries == []
        assert await client.status() == 200
    assert [entry["status"] for entry in receiver.journal.entries] == [200]


async def test_it_goes_down_and_comes_back_at_the_same_address(receiver):
    url = receiver.url
    await receiver.shut()
    with pytest.raises(ConnectionRefusedError):
        await Client(receiver).__aenter__()
    await receiver.open()
    assert receiver.url == url
    async with Client(receiver) as client:
        client.send(event())
        assert await client.status() == 200


async def test_nobody_can_take_its_port_while_it_is_down(receiver):
    await receiver.shut()
    port = int(receiver.url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="in use"):
        await asyncio.start_server(lambda *_: None, "127.0.0.1", port)


async def test_waiting_for_what_does_not_come_ends(receiver):
    with pytest.raises(TimeoutError):
        await receiver.until(lambda: False, 0.01)


async def test_garbage_costs_the_connection_only(receiver):
    async with Client(receiver) as client:
        client.writer.write(b"\x00\x01garbage\r\n\r\n")
        async with asyncio.timeout(5):
            with pytest.raises((ConnectionError, EOFError)):
                await client.reader.readexactly(1)
    async with Client(receiver) as client:
        client.send(event())
        assert await client.status() == 200


@pytest.mark.parametrize("turns", range(5))
async def test_a_connection_that_comes_while_it_is_shut_is_dropped_too(receiver, turns):
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.connect(("127.0.0.1", int(receiver.url.split(":")[2].split("/")[0])))
        client.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        await receiver.shut()
        assert receiver.idle
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                assert await loop.sock_recv(client, 1) == b""
