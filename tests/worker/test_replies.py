"""When the worker hands over what a responder answered."""

from __future__ import annotations

import pytest

from hookgram.core.facts import DeliverySettled, LeaseLost
from hookgram.core.model import Recorded, State
from hookgram.core.outcome import Response

CALL = b'{"method":"sendMessage","chat_id":1}'


def answer(status: int = 200, body: bytes | None = CALL, kind: str = "application/json"):
    headers = {"content-type": kind}
    return lambda _: Response(status=status, headers=headers, excerpt=body or b"", body=body)


@pytest.fixture
def taken():
    return []


async def one(shop, taken, script, *, responder: bool = True):
    channel = await shop.target("bot", responder=responder)
    channel.script = script
    await shop.accept("bot")
    async with shop.at_work(reply=taken.append):
        return (await shop.facts.wait(DeliverySettled))[0]


async def test_a_responders_answer_is_handed_over_once_its_delivery_is_recorded(shop):
    handed_over = []

    def take(reply) -> None:
        handed_over.append((reply, len(shop.facts.of(DeliverySettled))))

    channel = await shop.target("bot", responder=True)
    channel.script = answer()
    await shop.accept("bot")
    async with shop.at_work(reply=take):
        await shop.facts.wait(DeliverySettled)
    [(reply, settled)] = handed_over
    assert settled == 1
    assert (reply.body, reply.target, reply.bot_id, reply.attempt.number) == (CALL, "bot", 1, 1)
    assert (await shop.store.delivery(reply.delivery_id)).state is State.DELIVERED


async def test_no_fact_holds_the_body(shop, taken):
    fact = await one(shop, taken, answer())
    assert len(taken) == 1
    assert fact.answer.body is None


async def test_what_is_no_responder_has_no_replies(shop, taken):
    await one(shop, taken, answer(), responder=False)
    assert taken == []


@pytest.mark.parametrize(
    "script",
    [
        answer(500),
        answer(body=b""),
        answer(body=b" {}\n"),
        answer(kind="text/html"),
    ],
)
async def test_an_answer_that_cannot_hold_a_reply_is_not_handed_over(shop, taken, script):
    await one(shop, taken, script)
    assert taken == []


async def test_what_did_not_come_whole_is_handed_over_to_be_told(shop, taken):
    def script(_):
        headers = {"content-type": "application/json"}
        return Response(status=200, headers=headers, excerpt=CALL, body=None)

    await one(shop, taken, script)
    assert [reply.body for reply in taken] == [None]


async def test_a_lost_lease_has_no_reply(shop, taken):
    class Losing:
        def __getattr__(self, name):
            return getattr(shop.store, name)

        async def settle(self, *_):
            return Recorded(lost=True)

    shop.queue = Losing()
    channel = await shop.target("bot", responder=True)
    channel.script = answer()
    await shop.accept("bot")
    async with shop.at_work(reply=taken.append):
        await shop.facts.wait(LeaseLost)
    assert taken == []
