"""Laws of duties, of what keeping a webhook remembers, and of where polling goes on."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.core.model import SECOND, Offset, Owed
from hookgram.errors import GatewayError
from hookgram.ports import Store
from store.makers import HandClock, accept, arrival, owed

LEASE = 30 * SECOND


async def test_two_never_hold_a_duty_at_once(open_store):
    one, two = await open_store("one"), await open_store("two")
    taken = await asyncio.gather(
        *(store.take_duty("polling/1", f"{n}", LEASE) for n in range(10) for store in (one, two))
    )
    assert sum(duty is not None for duty in taken) == 1


async def test_not_even_its_holder_takes_a_duty_twice(store: Store):
    assert await store.take_duty("polling/1", "one", LEASE) is not None
    assert await store.take_duty("polling/1", "one", LEASE) is None


async def test_duties_are_apart(store: Store):
    assert await store.take_duty("polling/1", "one", LEASE) is not None
    assert await store.take_duty("polling/2", "one", LEASE) is not None


async def test_a_lapsed_duty_is_taken_at_the_very_moment(store: Store, clock: HandClock):
    await store.take_duty("polling/1", "one", LEASE)
    clock.step(LEASE - 1)
    assert await store.take_duty("polling/1", "two", LEASE) is None
    clock.step(1)
    assert await store.take_duty("polling/1", "two", LEASE) is not None


async def test_a_renewed_duty_holds(store: Store, clock: HandClock):
    duty = await store.take_duty("polling/1", "one", LEASE)
    clock.step(LEASE - 1)
    assert await store.renew_duty(duty, LEASE)
    clock.step(LEASE - 1)
    assert await store.take_duty("polling/1", "two", LEASE) is None
    assert await store.renew_duty(duty, LEASE)


async def test_what_lapsed_is_not_renewed_even_when_nobody_took_it(store: Store, clock: HandClock):
    duty = await store.take_duty("polling/1", "one", LEASE)
    clock.step(LEASE)
    assert not await store.renew_duty(duty, LEASE)


async def test_an_old_token_neither_renews_nor_leaves(store: Store, clock: HandClock):
    old = await store.take_duty("polling/1", "one", LEASE)
    clock.step(LEASE)
    new = await store.take_duty("polling/1", "one", LEASE)
    assert old is not None
    assert new is not None
    assert old.token != new.token
    assert not await store.renew_duty(old, LEASE)
    await store.leave_duty(old)
    assert await store.take_duty("polling/1", "two", LEASE) is None
    assert await store.renew_duty(new, LEASE)


async def test_a_duty_that_was_left_is_free_at_once_with_a_new_token(store: Store):
    first = await store.take_duty("polling/1", "one", LEASE)
    await store.leave_duty(first)
    second = await store.take_duty("polling/1", "two", LEASE)
    assert second is not None
    assert second.token != first.token
    assert not await store.renew_duty(first, LEASE)


async def test_a_duty_that_a_cancelled_caller_took_is_free(store: Store):
    taking = asyncio.ensure_future(store.take_duty("polling/1", "one", LEASE))
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    await store.probe()  # comes back after what was asked before it
    await store.probe()
    assert await store.take_duty("polling/1", "two", LEASE) is not None


async def test_a_new_owner_of_the_store_finds_every_duty_free(open_store):
    before = await open_store()
    duty = await before.take_duty("polling/1", "one", LEASE)
    after = await open_store()
    await after.lapse_duties()
    assert not await before.renew_duty(duty, LEASE)
    assert await after.take_duty("polling/1", "two", LEASE) is not None


async def test_where_polling_goes_on_is_kept_with_what_came(open_store, target):
    store = await open_store()
    assert await store.offset(42) is None
    answers = await store.accept(
        [arrival(owed(target), update_id=7), arrival(owed(target), update_id=8)],
        offset=Offset(bot_id=42, next_id=9),
    )
    assert not any(answer is None for answer in answers)
    assert await (await open_store()).offset(42) == 9
    assert await store.offset(43) is None


async def test_where_polling_goes_on_may_go_back_and_may_come_alone(store: Store):
    await store.accept([], offset=Offset(bot_id=42, next_id=2**31))
    await store.accept([], offset=Offset(bot_id=42, next_id=5))
    assert await store.offset(42) == 5


async def test_where_polling_goes_on_stays_when_nothing_says_so(store: Store, target):
    await store.accept([], offset=Offset(bot_id=42, next_id=5))
    await accept(store, arrival(owed(target), update_id=5))
    assert await store.offset(42) == 5


async def test_polling_does_not_go_on_past_what_could_not_be_kept(store: Store, target):
    with pytest.raises(GatewayError):
        await store.accept(
            [arrival(owed(target), update_id=7), arrival(Owed(target_id=999), update_id=8)],
            offset=Offset(bot_id=42, next_id=9),
        )
    assert await store.offset(42) is None


async def test_the_first_secret_made_for_a_webhook_stays_for_every_replica(open_store):
    one, two = await open_store("one"), await open_store("two")
    secrets = await asyncio.gather(
        one.webhook_secret(42, "made by one"), two.webhook_secret(42, "made by two")
    )
    assert len(set(secrets)) == 1
    assert await two.webhook_secret(42, "made later") == secrets[0]
    assert await two.webhook_secret(43, "another bot's") == "another bot's"


async def test_the_mark_of_a_webhook_is_the_last_one_and_harms_no_secret(store: Store):
    assert await store.webhook_mark(42) is None
    await store.mark_webhook(42, b"first")
    await store.mark_webhook(42, b"\x00second")
    assert await store.webhook_mark(42) == b"\x00second"
    assert await store.webhook_secret(42, "made") == "made"
    assert await store.webhook_mark(42) == b"\x00second"
