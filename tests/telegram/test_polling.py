"""Polling: what Telegram gives is kept before it is confirmed, by one at a time, whatever comes."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from fakes.pollers import BOT, TOKEN, Replica, until
from hookgram.core.access import Access
from hookgram.core.facts import (
    DutyHeld,
    DutyLost,
    DutyTaken,
    EventAccepted,
    PollingHindered,
    PollingResumed,
)
from hookgram.core.kinds import KINDS
from hookgram.core.model import SECOND, Offset
from hookgram.demo.bot_api import No, Raw
from hookgram.errors import StoreUnavailable
from hookgram.telegram import answers
from hookgram.telegram.duty import Shift


def message(update_id: int, chat_id: int = 7) -> bytes:
    chat = {"id": chat_id, "type": "private"}
    payload = {"message_id": 1, "date": 1_772_040_230, "chat": chat, "text": "hi €"}
    return json.dumps({"update_id": update_id, "message": payload}, ensure_ascii=False).encode()


def give(server, *updates: bytes) -> None:
    for update in updates:
        server.bots[TOKEN].waiting.add(json.loads(update)["update_id"], update)


async def hindered(replica: Replica, reason: str) -> PollingHindered:
    found = await replica.facts.wait(PollingHindered, where=lambda fact: fact.reason == reason)
    return found[0]


async def test_updates_are_kept_byte_for_byte_in_their_order(server, replica):
    one = await replica()
    updates = [message(5), b'{"update_id":6 ,\n "poll":{ "id":"1"}}', message(7)]
    give(server, *updates)
    one.start()
    assert await one.events(3) == updates


async def test_what_comes_later_ends_the_long_poll(server, replica):
    one = await replica()
    one.start()
    await one.facts.wait(DutyTaken)
    await until(lambda: server.bots[TOKEN].waiting.polls)
    give(server, message(5))
    assert await one.events(1) == [message(5)]


async def test_it_asks_for_every_kind_and_never_touches_the_webhook(server, replica):
    one = await replica()
    give(server, message(5))
    one.start()
    await one.events(1)
    method, given = server.calls[0]
    assert (method, json.loads(given["allowed_updates"])) == ("getupdates", list(KINDS))
    assert "offset" not in given
    assert {name for name, _ in server.calls} == {"getupdates"}


async def test_only_what_is_kept_is_confirmed(server, replica):
    one = await replica()
    waiting = server.bots[TOKEN].waiting
    keep, failures = one.store.accept, iter(range(2))

    async def accept(arrivals, **how):
        assert waiting.confirmed == []
        if next(failures, None) is not None:
            raise StoreUnavailable("the disk is full")
        return await keep(arrivals, **how)

    one.store.accept = accept
    give(server, message(5), message(6))
    one.start()
    told = await hindered(one, "store")
    assert told.said == "the disk is full"
    assert await one.events(2) == [message(5), message(6)]
    await one.facts.wait(PollingResumed)
    await until(lambda: waiting.confirmed == [5, 6])


async def test_it_goes_on_where_a_predecessor_was(server, replica):
    one = await replica()
    await one.store.accept([], offset=Offset(bot_id=BOT.bot_id, next_id=6))
    give(server, message(5), message(6))
    one.start()
    assert await one.events(1) == [message(6)]
    assert server.calls[0][1]["offset"] == "6"


async def test_a_commit_of_which_nobody_heard_is_not_asked_for_again(server, replica):
    one = await replica()
    keep, silent = one.store.accept, iter(range(1))

    async def accept(arrivals, **how):
        answer = await keep(arrivals, **how)
        if next(silent, None) is not None:
            raise TimeoutError
        return answer

    one.store.accept = accept
    give(server, message(5))
    one.start()
    await hindered(one, "store")
    give(server, message(6))
    assert await one.events(2) == [message(5), message(6)]
    assert [given.get("offset") for _, given in server.calls[:2]] == [None, "6"]


@pytest.mark.parametrize(
    "odd",
    [
        b'{"update_id":6,"message":{"text":nonsense}}',
        b'{"update_id":6,"message":{"text":"no end}}',
        b'{"update_id":6,"message":{"text":"\xff\xfe"}}',
        b'{"update_id":6}',
        b'{"update_id":6,"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"update_id":6,"a_kind_of_tomorrow":{"x":1.0}}',
        b'{"update_id":6,"message":{"text":"\\ud800"}}',
        b"null",
        b"",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("place", [5, 6, 7])
async def test_one_odd_update_does_not_stop_the_rest(server, replica, odd, place):
    one = await replica()
    updates = {number: message(number) for number in (5, 6, 7)}
    updates[place] = odd.replace(b'{"update_id":6', b'{"update_id":%d' % place)
    for number, update in updates.items():
        server.bots[TOKEN].waiting.add(number, update)
    one.start()
    await one.events(2)
    give(server, message(8))
    bodies = await one.until_stored(message(8))
    good = [body for number, body in updates.items() if number != place]
    assert [body for body in bodies if body in good] == good
    await until(lambda: len(server.bots[TOKEN].waiting) == 0)  # the odd one is confirmed as well
    if odd.startswith(b"{"):
        assert bodies == [*updates.values(), message(8)]


async def test_access_rules_hold_and_strangers_are_confirmed(server, replica):
    one = await replica()
    one.access = Access(authorised=frozenset({7}))
    give(server, message(5, chat_id=8), message(6), message(7, chat_id=8))
    one.start()
    assert await one.events(1) == [message(6)]
    [stranger] = await one.store.refused_chats()
    assert (stranger.chat_id, stranger.count) == (8, 2)
    assert await one.store.offset(BOT.bot_id) == 8


async def test_more_than_a_batch_comes_in_order(server, replica):
    one = await replica()
    updates = [message(number) for number in range(1, 251)]
    give(server, *updates)
    one.start()
    assert await one.events(250) == updates


async def test_two_replicas_on_one_store_poll_once(server, replica):
    one, two = await replica("one"), await replica("two")
    one.start()
    await one.facts.wait(DutyTaken)
    two.start()
    await two.facts.wait(DutyHeld)
    give(server, *(message(number) for number in range(1, 50)))
    await one.events(49)
    assert server.bots[TOKEN].waiting.most_polls <= 1
    assert two.facts.of(EventAccepted) == []
    assert not one.facts.of(PollingHindered) + two.facts.of(PollingHindered)
    await one.end()
    await two.facts.wait(DutyTaken)  # at once: the first left its duty
    give(server, message(50))
    await two.facts.wait(EventAccepted)
    assert server.bots[TOKEN].waiting.most_polls == 1


async def test_who_loses_the_duty_stops_polling_at_once(server, replica):
    one, two = await replica("one"), await replica("two")
    one.long_poll = 50.0
    one.start()
    await until(lambda: server.bots[TOKEN].waiting.polls)
    await two.store.lapse_duties()
    began = time.monotonic()
    await one.facts.wait(DutyLost)
    await one.facts.wait(DutyTaken, count=2)
    assert time.monotonic() - began < 5


async def test_a_duty_is_free_at_once_when_its_work_fails(server, replica):
    one = await replica()
    shift = Shift(one.store, "polling/123456", "one", one.facts)

    async def fails(_: asyncio.Event) -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await shift.run(fails, one.stop)
    assert await one.store.take_duty("polling/123456", "another", SECOND) is not None


async def test_updates_too_large_for_one_answer_come_in_several(server, replica, monkeypatch):
    monkeypatch.setattr(answers, "LARGEST_ANSWER", 1000)
    one = await replica()
    updates = [message(number) for number in range(1, 21)]
    give(server, *updates)
    one.start()
    assert await one.events(20) == updates
    assert one.facts.of(PollingHindered) == []


async def test_an_update_that_is_too_large_by_itself_is_told(server, replica, monkeypatch):
    monkeypatch.setattr(answers, "LARGEST_ANSWER", 100)
    one = await replica()
    give(server, message(1))
    one.start()
    assert "too large" in (await hindered(one, "unavailable")).said


async def test_it_stops_at_once_in_the_middle_of_a_long_poll(server, replica):
    one = await replica()
    one.long_poll = 50.0
    one.start()
    await until(lambda: server.bots[TOKEN].waiting.polls)
    began = time.monotonic()
    await one.end()
    assert time.monotonic() - began < 2
    assert await one.store.take_duty("polling/123456", "another", SECOND) is not None


async def test_a_webhook_is_reported_and_not_removed(server, replica):
    server.bots[TOKEN].url = "https://elsewhere.example.com/x"
    one = await replica()
    one.start()
    told = await hindered(one, "webhook_active")
    assert "hookgram webhook delete" in told.advice
    assert told.wait == 5 * SECOND
    assert server.bots[TOKEN].url == "https://elsewhere.example.com/x"
    await one.end()


async def test_a_rival_is_reported(server, replica):
    one = await replica()
    one.start()
    await until(lambda: server.bots[TOKEN].waiting.polls)
    server.bots[TOKEN].waiting.terminate("other getUpdates request; make sure that …")
    told = await hindered(one, "other_poller")
    assert "same bot token" in told.message


@pytest.mark.parametrize(
    ("trouble", "reason", "wait"),
    [
        (No(429, "Too Many Requests: retry after 1", retry_after=7), "limited", 7 * SECOND),
        (No(401, "Unauthorized"), "token_rejected", SECOND),
        (No(400, "Bad Request: x"), "refused", SECOND),
        (No(500, "Internal Server Error"), "unavailable", SECOND),
        (Raw(status=502), "unavailable", SECOND),
        (Raw(status=200), "unavailable", SECOND),
        (Raw(status=302, body=b"", headers={"Location": "/"}), "unavailable", SECOND),
        (Raw(body=b'{"ok":true,"result":7}'), "unavailable", SECOND),
    ],
)
async def test_troubles_are_told_apart(server, replica, trouble, reason, wait):
    server.script.append(trouble)
    one = await replica()
    one.start()
    told = await hindered(one, reason)
    assert told.wait == wait
    assert "CANARY" not in repr(one.facts.all)
    await one.end()


async def test_it_goes_on_after_trouble(server, replica):
    server.script += [No(500, "x"), Raw(status=502)]
    give(server, message(5))
    one = await replica()
    one.start()
    assert await one.events(1) == [message(5)]
    assert len(await one.facts.wait(PollingHindered)) == 1  # told once while the reason stays
    await one.facts.wait(PollingResumed)


async def test_telegram_that_is_down_or_silent_is_waited_for(server, replica):
    one = await replica()
    one.base_url = "http://127.0.0.1:9"
    one.start()
    told = await hindered(one, "unavailable")
    assert "CANARY" not in repr(told)
    assert one.poller.last_turn <= time.monotonic()
    await one.end()


async def test_an_answer_that_never_comes_is_given_up(server, replica):
    server.script.append(Raw(delay=60))
    one = await replica()
    one.long_poll = one.patience = 0.1
    one.start()
    assert (await hindered(one, "unavailable")).said == "Telegram did not answer in time"


async def test_a_server_that_repeats_itself_for_ever_is_not_hammered(server, replica):
    stuck = Raw(body=b'{"ok":true,"result":[' + message(5) + b"]}")
    server.script += [stuck] * 4
    one = await replica()
    one.start()
    await hindered(one, "repeated")
    await one.end()
    assert len(server.calls) == 3


async def test_the_watchdog_sees_a_loop_that_hangs(server, replica, monkeypatch):
    one = await replica()
    one.start()
    await until(lambda: server.bots[TOKEN].waiting.polls)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 20)
    late = one.poller.last_turn
    monkeypatch.undo()
    assert now < late < now + 20
