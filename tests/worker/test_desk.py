"""Whom a desk claims ahead for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hookgram.core.definition import Definition, Origin, Target
from hookgram.core.model import MINUTE, SECOND, Claim, Event
from hookgram.core.outcome import Failure, Refusal, Success, Untried
from hookgram.core.retry import RetryPolicy
from hookgram.worker.desk import QUICK, Desk
from hookgram.worker.ready import InHand

SLOTS = 10
NOW = 1_000 * SECOND


def defined(url: str) -> Definition:
    retry = RetryPolicy(waits=(), max_age=MINUTE)
    return Definition(name="a", urls=(url,), origin=Origin.ENV, slots=SLOTS, retry=retry)


def desk() -> Desk:
    definition = defined("http://a/")
    target = Target(target_id=1, name="a", origin=Origin.ENV, definition=definition)
    return Desk(target, definition, 1)


def ahead(desk: Desk, *outcomes, now=NOW, took=QUICK // 2) -> int:
    """How many more than its slots it wants after these answers."""
    for outcome in outcomes:
        desk.learn(outcome, started_at=now - took, now=now)
    want = desk.want(now + 1)
    return 0 if want is None else want.limit - SLOTS


def test_a_target_that_answered_quickly_is_claimed_for_ahead():
    assert ahead(desk(), Success()) == SLOTS


def test_a_new_one_is_not():
    assert ahead(desk()) == 0


def test_a_slow_one_is_not():
    assert ahead(desk(), Success(), took=QUICK) == 0


@pytest.mark.parametrize(
    "outcome",
    [Refusal(reason="gone"), Failure(reason="x", reached=True), Untried()],
    ids=["refused", "partly", "untried"],
)
def test_one_whose_last_answer_was_no_success_is_not(outcome):
    assert ahead(desk(), Success(), outcome) == 0


def test_one_that_asked_for_time_is_not_while_it_lasts():
    one = desk()
    assert ahead(one, Success(), Failure(reason="x", retry_after=MINUTE), Success()) <= 0
    assert ahead(one, now=NOW + MINUTE) == 0
    assert ahead(one, Success(), now=NOW + MINUTE) == SLOTS


def test_one_in_its_slow_start_is_not():
    one = desk()
    assert ahead(one, Success(), Failure(reason="x")) <= 0
    later = NOW + MINUTE
    assert [ahead(one, Success(), now=later) for _ in range(4)] == [
        1 - SLOTS,
        2 - SLOTS,
        4 - SLOTS,
        8 - SLOTS,
    ]
    assert ahead(one, Success(), now=later) == SLOTS


def test_one_with_another_definition_has_to_be_quick_again():
    one = desk()
    ahead(one, Success())
    one.redefine(defined("http://b/"))
    assert ahead(one) == 0


def test_nothing_is_wanted_while_twice_the_slots_are_sent_and_not_recorded():
    one = desk()
    assert ahead(one, Success()) == SLOTS
    one.recording = 2 * SLOTS
    assert one.want(NOW) is None


@pytest.mark.parametrize(
    ("recording", "hungry", "more"),
    [(SLOTS, False, False), (SLOTS + 1, False, True), (1, True, True)],
)
def test_a_record_lets_more_go_if_too_many_were_not_recorded_or_work_waits(recording, hungry, more):
    one = desk()
    one.recording, one.hungry = recording, hungry
    assert one.recorded() is more
    assert one.recording == recording - 1


def test_a_record_changes_nothing_while_enough_is_ready():
    one = desk()
    ahead(one, Success())
    have_ready(one, SLOTS)
    one.recording, one.hungry = 1, True
    assert not one.recorded()


def test_the_kept_slots_are_kept_again_when_what_somebody_waited_for_is_done():
    one = desk()
    have_ready(one, 2, urgent=True)
    for taken in one.begin(NOW, 0.0):
        one.end(taken)
    have_ready(one, SLOTS)
    assert len(one.begin(NOW, 0.0)) == SLOTS - 2


def test_slots_are_kept_of_those_that_another_definition_gives():
    one = desk()
    one.redefine(replace(defined("http://a/"), slots=2 * SLOTS))
    have_ready(one, 2 * SLOTS)
    assert len(one.begin(NOW, 0.0)) == 2 * SLOTS - 4


def test_none_is_kept_of_slots_that_are_gone():
    one = desk()
    one.sending = SLOTS - 1
    one.redefine(replace(defined("http://a/"), slots=SLOTS // 2))
    one.learn(Success(), started_at=NOW, now=NOW)
    want = one.want(NOW)
    assert (want.limit, want.kept) == (SLOTS // 2, 0)


def test_so_much_is_sent_and_not_recorded_and_no_more():
    one = desk()
    one.recording = SLOTS + 1
    have_ready(one, SLOTS, urgent=True)
    assert len(one.begin(NOW, 0.0)) == SLOTS - 1


def have_ready(desk: Desk, count: int, *, urgent: bool = False) -> None:
    for number in range(count):
        desk.ready.add(InHand(claim(number), 0.0, urgent=urgent))


def test_a_quick_one_that_has_little_ready_is_claimed_for_again_at_once():
    one = desk()
    ahead(one, Success())
    one.sending = SLOTS - 2
    want = one.want(NOW)
    assert (want.limit, want.kept) == (2 + SLOTS, 2)
    claims = [claim(number) for number in range(SLOTS)]
    assert one.left_some(want, claims)
    assert not one.hungry
    for taken in claims:
        one.ready.add(InHand(taken, 0.0, urgent=False))
    assert not one.left_some(want, claims)
    assert one.hungry


def test_a_lease_began_with_the_claim():
    taken = InHand(claim(1), 100.0, urgent=False)
    assert taken.until == 100.0 + 60
    assert taken.now(101.5) == NOW + SECOND * 3 // 2


def claim(number: int) -> Claim:
    event = Event(
        event_id=f"evt_{number}",
        bot_id=1,
        update_id=number,
        kind="message",
        chat_id=1,
        user_id=None,
        lane=None,
        received_at=NOW,
        expires_at=None,
        body=b"{}",
    )
    return Claim(
        delivery_id=number,
        target_id=1,
        token=1,
        attempt=1,
        failures=0,
        created_at=NOW,
        claimed_at=NOW,
        leased_until=NOW + MINUTE,
        replay_of=None,
        event=event,
    )
