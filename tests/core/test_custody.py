from __future__ import annotations

from msgspec.structs import replace

from hookgram.core.custody import (
    GROWING_LOOKS,
    OFTEN,
    SOON,
    Memory,
    look,
    mark_of,
    pause,
)
from hookgram.core.kinds import KINDS
from hookgram.core.model import HOUR, MINUTE, SECOND
from hookgram.core.webhook import Webhook, Wish

PATH = "/telegram/webhook"
WISH = Wish(url=f"https://gateway.example.com{PATH}", secret="s")
RIGHT = Webhook(url=WISH.url, connections=40, allowed=tuple(KINDS))
STOLEN = replace(RIGHT, url="https://thief.example/x")
NOW = 1_772_040_230_000_000
MARK = mark_of(WISH)


def seen(webhook, memory=None, *, wish=WISH, marked=MARK, now=NOW):
    return look(webhook, wish, PATH, memory or Memory(), marked=marked, now=now)


def test_what_is_right_is_left_alone():
    found = seen(RIGHT)
    assert (found.act, found.wrong, found.stolen, found.next_look) == (False, (), False, OFTEN)


def test_what_never_was_set_is_set_and_nobody_is_accused():
    for webhook in (RIGHT, STOLEN, Webhook(url="")):
        found = seen(webhook, marked=None)
        assert (found.act, found.stolen, found.contested) == (True, False, False)
        assert found.memory.repairs == ()


def test_a_new_secret_is_set_though_telegram_does_not_tell_it():
    found = seen(RIGHT, wish=replace(WISH, secret="new"))
    assert found.act
    assert "secret" in found.wrong[0]
    assert found.memory.repairs == ()
    assert "new" not in repr(mark_of(replace(WISH, secret="new")))


def test_a_thief_is_noticed_and_the_webhook_taken_back():
    for webhook in (STOLEN, replace(RIGHT, url="")):
        found = seen(webhook)
        assert (found.act, found.stolen, found.next_look) == (True, True, SOON)
        assert found.memory.repairs == (NOW,)


def test_other_changes_are_repaired_too():
    for webhook in (
        replace(RIGHT, allowed=("message",)),
        replace(RIGHT, connections=1),
        replace(RIGHT, certificate=True),
    ):
        found = seen(webhook)
        assert (found.act, found.stolen) == (True, False)


def test_after_three_repairs_in_ten_minutes_it_tries_once_an_hour():
    memory, now = Memory(), NOW
    for _ in range(3):
        found = seen(STOLEN, memory, now=now)
        assert (found.act, found.contested) == (True, False)
        memory, now = found.memory, now + 3 * MINUTE
    begun = now
    tries = []
    while now < begun + 3 * HOUR:
        found = seen(STOLEN, memory, now=now)
        assert found.contested
        tries += [now - begun] if found.act else []
        memory, now = found.memory, now + 3 * MINUTE
    assert tries == [HOUR, 2 * HOUR]


def test_repairs_far_apart_are_no_contest():
    memory, now = Memory(), NOW
    for _ in range(10):
        found = seen(STOLEN, memory, now=now)
        assert (found.act, found.contested) == (True, False)
        memory, now = found.memory, now + 5 * MINUTE


def test_peace_for_ten_minutes_ends_the_contest():
    memory = Memory(hold_until=NOW + HOUR)
    found = seen(RIGHT, memory, now=NOW + 9 * MINUTE)
    assert found.contested
    found = seen(RIGHT, found.memory, now=NOW + 10 * MINUTE)
    assert not found.contested
    assert seen(STOLEN, found.memory, now=NOW + 11 * MINUTE).act


def test_a_change_of_our_own_is_set_also_while_contested():
    found = seen(STOLEN, Memory(hold_until=NOW + HOUR), wish=replace(WISH, secret="new"))
    assert found.act


def test_a_fresh_complaint_is_told_once_and_an_old_one_never():
    old = replace(RIGHT, error="Connection refused", error_at=NOW - HOUR)
    assert seen(old).complaint is None
    fresh = replace(RIGHT, error="Connection refused", error_at=NOW - MINUTE)
    found = seen(fresh)
    assert (found.complaint, found.act) == ("Connection refused", False)
    assert seen(fresh, found.memory, now=NOW + MINUTE).complaint is None
    again = replace(fresh, error_at=NOW + MINUTE)
    assert seen(again, found.memory, now=NOW + MINUTE).complaint is not None


def test_a_refused_secret_is_set_again():
    refused = "Wrong response from the webhook: 403 Forbidden"
    found = seen(replace(RIGHT, error=refused, error_at=NOW - 1))
    assert found.act
    assert found.memory.repairs == (NOW,)


def test_more_and_more_that_waits_is_told_once():
    memory, told = Memory(), []
    for pending in (150, 90, 120, 200, 300, 400, 500, 10, 150):
        found = seen(replace(RIGHT, pending=pending), memory)
        memory, told = found.memory, [*told, found.piling]
    assert [pending for pending in told if pending] == [300]
    assert GROWING_LOOKS == 3


def test_a_few_that_wait_are_nothing():
    memory = Memory()
    for pending in range(1, 99):
        found = seen(replace(RIGHT, pending=pending), memory)
        assert found.piling is None
        memory = found.memory


def test_pauses_grow_and_honour_what_telegram_asks():
    assert [pause(n) // SECOND for n in range(1, 8)] == [5, 10, 20, 40, 80, 160, 180]
    assert pause(10**6) == OFTEN
    assert pause(1, 3600.0) == HOUR
