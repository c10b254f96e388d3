"""The rate of each chat: who waits, and what uses up nothing."""

from __future__ import annotations

import asyncio
import json
from typing import NoReturn

import pytest

from hookgram.core.definition import Bot
from hookgram.core.model import MINUTE, SECOND
from hookgram.errors import StoreUnavailable
from hookgram.usecases import limits as limits_module
from hookgram.usecases.intake import Taken
from usecases.desk import BOT, Desk, message

pytestmark = pytest.mark.usefixtures("begun")


async def test_over_the_limit_a_chat_waits_and_loses_nothing() -> None:
    desk = Desk(per_minute=2)
    for number in range(4):
        assert await desk.take(message(number)) is Taken.STORED
    assert desk.delays == [0, 0, 30 * SECOND, MINUTE]


async def test_the_limit_is_per_bot_and_chat() -> None:
    desk = Desk(per_minute=1)
    await desk.take(message(1, chat_id=7))
    await desk.take(message(2, chat_id=8))
    await desk.take(message(3, chat_id=7), bot=Bot(name="other", bot_id=2))
    assert desk.delays == [0, 0, 0]


async def test_what_nobody_awaits_any_more_is_kept_and_has_used_up_its_rate() -> None:
    desk = Desk(per_minute=1)
    desk.inbox.gate.clear()
    taking = desk.intake.take(BOT, message(1), trusted=True)
    taking.send(None)
    taking.close()
    desk.inbox.gate.set()
    await desk.take(message(2))
    assert desk.delays == [0, MINUTE]


async def test_queries_are_never_delayed() -> None:
    desk = Desk(per_minute=1)
    for number in range(3):
        body = {
            "id": str(number),
            "from": {"id": 7},
            "message": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}},
            "data": "x",
        }
        await desk.take(json.dumps({"update_id": number, "callback_query": body}).encode())
    assert desk.delays == [0, 0, 0]


async def test_a_delay_over_the_cap_is_a_dead_letter_that_uses_up_nothing() -> None:
    desk = Desk(per_minute=2, max_delay=30 * SECOND)
    for number in range(6):
        assert await desk.take(message(number)) is Taken.STORED
    dead = [arrival.owed[0].dead for arrival in desk.inbox.arrivals]
    assert dead == [None, None, None, *["rate_limited"] * 3]
    desk.now += 30 * SECOND
    await desk.take(message(9))
    assert desk.inbox.arrivals[-1].owed[0].delay == 30 * SECOND
    assert desk.inbox.arrivals[-1].owed[0].dead is None


async def test_a_repeated_update_and_one_that_was_not_stored_use_up_nothing() -> None:
    desk = Desk(per_minute=2)
    await desk.take(message(1))
    assert await desk.take(message(1)) is Taken.DUPLICATE
    desk.inbox.trouble = StoreUnavailable("full")
    with pytest.raises(StoreUnavailable):
        await desk.take(message(2))
    desk.inbox.trouble = None
    await desk.take(message(2))
    assert desk.delays == [0, 0]


async def test_a_clock_that_is_set_back_does_not_hold_chats_up() -> None:
    desk = Desk(per_minute=1)
    await desk.take(message(1))
    desk.now -= 60 * MINUTE
    await desk.take(message(2))
    await desk.take(message(3))
    assert desk.delays == [0, 0, MINUTE]


async def test_the_rates_of_so_many_chats_are_remembered_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits_module, "CHATS_REMEMBERED", 2)
    desk = Desk(per_minute=1)
    for number, chat in enumerate([1, 2, 1, 3, 1, 2]):
        await desk.take(message(number, chat_id=chat))
    # Chat 2 was not seen for longest when chat 3 came.
    assert [bool(delay) for delay in desk.delays] == [False, False, True, False, True, False]


async def test_what_is_refused_at_once_uses_up_nothing() -> None:
    desk = Desk(per_minute=1)
    accept = desk.inbox.accept

    def refuse(*_: object, **__: object) -> NoReturn:
        raise StoreUnavailable("closed")

    desk.inbox.accept = refuse  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await desk.take(message(1))
    desk.inbox.accept = accept  # type: ignore[method-assign]
    await desk.take(message(2))
    assert desk.delays == [0]


async def test_who_is_cut_off_while_it_is_kept_uses_up_nothing() -> None:
    desk = Desk(per_minute=1)
    desk.inbox.gate.clear()
    taking = asyncio.create_task(desk.intake.take(BOT, message(1), trusted=True))
    await desk.inbox.reached.wait()
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    desk.inbox.gate.set()
    await desk.take(message(2))
    assert desk.delays == [0]
