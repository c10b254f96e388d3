"""What becomes of an update that comes in."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
from msgspec.structs import replace

from hookgram.core.access import Access
from hookgram.core.facts import (
    DeadOnArrival,
    DuplicateSeen,
    EventAccepted,
    TaskFailed,
    UpdateRefused,
)
from hookgram.core.identity import digest, digest_unparsed
from hookgram.core.model import SECOND, Offset
from hookgram.errors import StoreUnavailable
from hookgram.usecases import intake as intake_module
from hookgram.usecases.intake import Begun, Taken
from usecases.desk import BOT, NOW, Desk, message, target

pytestmark = pytest.mark.usefixtures("begun")


async def test_an_update_is_kept_byte_for_byte_with_what_is_read_from_it() -> None:
    desk = Desk()
    body = b'{"update_id":10000,\n"message":{ "date":5,"chat":{"id":7},"from":{"id":8}}}'
    assert await desk.take(body) is Taken.STORED
    [arrival] = desk.inbox.arrivals
    event = arrival.event
    assert event.body == body
    assert (event.bot_id, event.update_id, event.kind) == (123456, 10000, "message")
    assert (event.chat_id, event.user_id, event.received_at) == (7, 8, NOW)
    assert event.event_id.startswith("evt_")
    assert len(event.event_id) == 30
    payload = b'{ "date":5,"chat":{"id":7},"from":{"id":8}}'
    assert arrival.digest == digest("message", payload)


async def test_after_the_commit_the_targets_are_woken_and_the_fact_is_told() -> None:
    desk = Desk()
    desk.inbox.gate.clear()
    taking = asyncio.create_task(desk.take(message(1)))
    await desk.inbox.reached.wait()
    assert desk.woken == []
    assert desk.facts.seen == []
    desk.inbox.gate.set()
    await taking
    assert desk.woken == [[1, 2]]
    [fact] = desk.facts.of(EventAccepted)
    assert (fact.seq, fact.update_id, fact.targets, fact.size) == (1, 1, 2, len(message(1)))


async def test_what_takes_more_than_to_be_kept_is_still_to_be_run() -> None:
    desk = Desk(access=Access(authorised=frozenset({7, -1007})))
    stranger = message(1, chat_id=666)
    supergroup = b'{"update_id":2,"message":{"chat":{"id":-1007},"migrate_from_chat_id":-7}}'
    for body, trusted in ((b"{", False), (stranger, True), (stranger, False), (supergroup, True)):
        rest = desk.intake.begin(BOT, body, trusted=trusted)
        assert not isinstance(rest, Begun)
        rest.close()
    assert desk.inbox.arrivals == desk.inbox.refused == desk.facts.seen == []
    for body, trusted in ((b"{", True), (supergroup, False)):
        begun = desk.intake.begin(BOT, body, trusted=trusted)
        assert isinstance(begun, Begun)
        await begun.kept


async def test_a_repeated_update_wakes_nobody() -> None:
    desk = Desk()
    await desk.take(message(1))
    assert await desk.take(message(1)) is Taken.DUPLICATE
    assert desk.woken == [[1, 2]]
    assert len(desk.facts.of(DuplicateSeen)) == 1


async def test_without_a_target_an_update_is_kept_all_the_same() -> None:
    desk = Desk()
    desk.intake.set_targets([])
    assert await desk.take(message(1)) is Taken.STORED
    assert desk.woken == []
    assert desk.facts.of(EventAccepted)[0].targets == 0


async def test_what_cannot_be_read_is_kept_if_it_came_with_the_secret() -> None:
    desk = Desk(access=Access())
    assert await desk.take(b"{") is Taken.STORED
    [arrival] = desk.inbox.arrivals
    assert arrival.event.kind == "unparsed"
    assert arrival.event.update_id is None
    assert arrival.event.body == b"{"
    assert arrival.digest == digest_unparsed(b"{")
    assert [owed.dead for owed in arrival.owed] == ["unparsed", "unparsed"]
    assert desk.woken == []


async def test_dead_letters_that_are_made_at_once_are_told_with_their_reason() -> None:
    desk = Desk()
    await desk.take(b"{")
    [told] = [fact for fact in desk.facts.seen if isinstance(fact, DeadOnArrival)]
    assert (told.targets, told.reason) == (("t1", "t2"), "unparsed")
    [accepted] = [fact for fact in desk.facts.seen if isinstance(fact, EventAccepted)]
    assert accepted.targets == 0


async def test_what_cannot_be_read_and_came_without_a_secret_is_not_kept() -> None:
    desk = Desk()
    assert await desk.take(b"{", trusted=False) is Taken.UNREADABLE
    assert desk.inbox.arrivals == []
    assert desk.facts.seen == []


async def test_an_update_that_we_stumble_over_is_kept_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stumble(body: bytes) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(intake_module, "read", stumble)
    desk = Desk()
    assert await desk.take(message(1)) is Taken.STORED
    [arrival] = desk.inbox.arrivals
    assert (arrival.event.kind, arrival.event.body) == ("unparsed", message(1))
    [fact] = desk.facts.of(TaskFailed)
    assert "a bug" in fact.error


async def test_a_body_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()

    def stumble(_: bytes) -> NoReturn:
        raise RuntimeError("a bug")

    monkeypatch.setattr(intake_module, "read", stumble)
    assert await desk.take(message(1), trusted=False) is Taken.UNREADABLE
    assert len(desk.facts.of(TaskFailed)) == 1


async def test_a_stranger_is_counted_and_not_stored() -> None:
    desk = Desk(access=Access(authorised=frozenset({7})))
    assert await desk.take(message(1, chat_id=666)) is Taken.REFUSED
    assert await desk.take(message(2, chat_id=666)) is Taken.REFUSED
    assert await desk.take(message(3, chat_id=7)) is Taken.STORED
    assert desk.inbox.refused == [(123456, 666, "private")] * 2
    assert [fact.first for fact in desk.facts.of(UpdateRefused)] == [True, False]


async def test_where_there_is_no_chat_the_refused_user_is_remembered() -> None:
    desk = Desk(access=Access(authorised=frozenset({7})))
    body = b'{"update_id":1,"inline_query":{"id":"1","from":{"id":666},"query":""}}'
    assert await desk.take(body) is Taken.REFUSED
    assert desk.inbox.refused == [(123456, 666, None)]


async def test_a_refusal_that_cannot_be_counted_is_no_refusal() -> None:
    desk = Desk(access=Access())
    desk.inbox.trouble = StoreUnavailable("full")
    with pytest.raises(StoreUnavailable):
        await desk.take(message(1))
    assert desk.facts.seen == []


async def test_updates_whose_numbers_are_too_large_to_read_are_told_apart() -> None:
    desk = Desk()
    payload = b'"message":{"chat":{"id":7}}}'
    first, second = b'{"update_id":%s,' % (b"1" * 30), b'{"update_id":%s,' % (b"2" * 30)
    assert await desk.take(first + payload) is Taken.STORED
    assert await desk.take(second + payload) is Taken.STORED
    assert await desk.take(first + payload) is Taken.DUPLICATE


class Bots(frozenset):
    """The bots of a target; counts how often it is looked through."""

    looked = 0

    def __contains__(self, bot: object) -> bool:
        Bots.looked += 1
        return super().__contains__(bot)


async def test_targets_that_take_nothing_of_a_bot_are_looked_at_once_not_at_every_update() -> None:
    Bots.looked = 0
    desk = Desk()
    mine = target(1)
    other = replace(mine.definition, bots=Bots({99}))
    desk.intake.set_targets([mine, replace(mine, target_id=2, definition=other)])
    for number in range(1, 6):
        await desk.take(message(number))
    assert Bots.looked == 1
    desk.intake.set_targets([mine])
    await desk.take(message(6))
    assert {owed.target_id for one in desk.inbox.arrivals for owed in one.owed} == {1}


async def take_batch(desk: Desk, *bodies: bytes, offset: Offset | None = None) -> list[Taken]:
    updates = [(body, desk.intake.read(body)) for body in bodies]
    return await desk.intake.take_batch(BOT, updates, offset)


async def test_a_batch_is_kept_in_its_order_with_where_polling_goes_on() -> None:
    desk = Desk()
    offset = Offset(bot_id=BOT.bot_id, next_id=4)
    bodies = [message(1), b"not an update", message(3)]
    assert await take_batch(desk, *bodies, offset=offset) == [Taken.STORED] * 3
    assert desk.inbox.bodies == bodies
    assert desk.inbox.offsets == [offset]
    [dead] = desk.facts.of(DeadOnArrival)
    assert dead.reason == "unparsed"
    assert desk.woken == [[1, 2], [1, 2]]


async def test_a_batch_tells_what_became_of_each() -> None:
    desk = Desk(access=Access(authorised=frozenset({7})))
    bodies = [message(1), message(2, chat_id=8), message(1), message(3)]
    assert await take_batch(desk, *bodies) == [
        Taken.STORED,
        Taken.REFUSED,
        Taken.DUPLICATE,
        Taken.STORED,
    ]
    assert desk.inbox.refused == [(BOT.bot_id, 8, "private")]


async def test_a_batch_of_strangers_moves_polling_on_all_the_same() -> None:
    desk = Desk(access=Access())
    offset = Offset(bot_id=BOT.bot_id, next_id=2)
    assert await take_batch(desk, message(1), offset=offset) == [Taken.REFUSED]
    assert desk.inbox.offsets == [offset]


async def test_the_rate_holds_within_a_batch_and_is_given_back_when_it_fails() -> None:
    desk = Desk(per_minute=2)
    desk.inbox.trouble = StoreUnavailable("full")
    with pytest.raises(StoreUnavailable):
        await take_batch(desk, message(1), message(2))
    desk.inbox.trouble = None
    await take_batch(desk, message(1), message(2), message(3))
    assert desk.delays == [0, 0, 30 * SECOND]
