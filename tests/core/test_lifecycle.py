"""The only place where a delivery's fate is decided, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.lifecycle import best_before, settle, why_not
from hookgram.core.model import HOUR, SECOND, Claim, Event
from hookgram.core.outcome import (
    Dead,
    Delivered,
    Failure,
    Refusal,
    Released,
    Retry,
    Success,
    Untried,
)
from hookgram.core.retry import RetryPolicy

POLICY = RetryPolicy.doubling(base=2, retries=3, max_age=72 * HOUR)


def settled(outcome, *, failures=0, age=0, dice=0.0):
    return settle(outcome, failures=failures, created_at=0, now=age, policy=POLICY, dice=dice)


@pytest.mark.parametrize(
    ("outcome", "failures", "settlement"),
    [
        (Success(), 3, Delivered()),
        (Refusal(reason="gone"), 1, Dead(reason="gone", failures=1)),
        (Untried(), 2, Released()),
        (Failure(reason="http_500"), 0, Retry(wait=2 * SECOND, failures=1, reason="http_500")),
        (Failure(reason="timeout"), 2, Retry(wait=8 * SECOND, failures=3, reason="timeout")),
        (Failure(reason="http_500"), 3, Dead(reason="http_500", failures=4)),
        (
            Failure(reason="http_429", retry_after=90 * SECOND),
            3,
            Retry(wait=90 * SECOND, failures=3, reason="http_429"),
        ),
    ],
)
def test_each_outcome_has_one_settlement(outcome, failures, settlement):
    assert settled(outcome, failures=failures) == settlement


@pytest.mark.parametrize("outcome", [Failure(reason="x"), Failure(reason="x", retry_after=SECOND)])
def test_a_delivery_older_than_its_policy_allows_is_dead(outcome):
    assert isinstance(settled(outcome, age=72 * HOUR), Retry)
    assert settled(outcome, age=72 * HOUR + 1).reason == "too_old"
    assert isinstance(settled(Success(), age=99 * HOUR), Delivered)


def test_what_is_too_old_is_not_tried():
    def why(age):
        return why_not(created_at=0, best_before=None, now=age, policy=POLICY)

    assert why(72 * HOUR) is None
    assert why(72 * HOUR + 1) == "too_old"


@pytest.mark.parametrize("outcome", [Failure(reason="x"), Failure(reason="x", retry_after=SECOND)])
def test_what_is_no_use_any_more_is_dead(outcome):
    def after(age):
        return settle(
            outcome,
            failures=0,
            created_at=0,
            now=age,
            policy=POLICY,
            dice=0,
            best_before=150 * SECOND,
        )

    assert isinstance(after(150 * SECOND - 1), Retry)
    assert after(150 * SECOND).reason == "expired"


@pytest.mark.parametrize(
    ("kind", "skip", "replay_of", "end"),
    [
        ("callback_query", True, None, 150),
        ("inline_query", True, None, 150),
        ("callback_query", False, None, None),
        ("callback_query", True, 7, None),
        ("message", True, None, None),
        ("chosen_inline_result", True, None, None),
        ("telepathy", True, None, None),
    ],
)
def test_only_what_somebody_waits_for_expires_and_only_if_the_target_asks(
    kind, skip, replay_of, end
):
    assert best_before(claim_of(kind, replay_of), skip_expired=skip) == end


def claim_of(kind, replay_of):
    event = Event(
        event_id="evt_1",
        bot_id=1,
        update_id=1,
        kind=kind,
        chat_id=None,
        user_id=None,
        lane=None,
        received_at=0,
        expires_at=150,
        body=b"",
    )
    return Claim(
        delivery_id=1,
        target_id=1,
        token=1,
        attempt=1,
        failures=0,
        created_at=0,
        claimed_at=0,
        leased_until=1,
        replay_of=replay_of,
        event=event,
    )


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True), st.floats(0.1, 10))
def test_waits_double_are_stretched_by_a_quarter_at_most_and_end_at_an_hour(failures, dice, base):
    policy = RetryPolicy.doubling(base=base, retries=40, max_age=HOUR)
    plain = min(int(base * SECOND * 2.0 ** (failures - 1)), HOUR)
    wait = policy.wait_after(failures, dice=dice)
    assert plain - 40 <= wait <= min(plain * 1.25, HOUR) + 40


def test_a_wait_is_stretched_as_the_dice_say():
    policy = RetryPolicy(waits=(SECOND,), max_age=HOUR)
    waits = [policy.wait_after(1, dice=dice) for dice in (0, 0.5, 1)]
    assert waits == [SECOND, SECOND * 9 // 8, SECOND * 5 // 4]


def test_the_list_of_waits_ends():
    assert POLICY.wait_after(3, dice=0) == 8 * SECOND
    assert POLICY.wait_after(4, dice=0) is None


def test_a_counted_failure_can_ask_for_a_longer_wait_than_the_policys():
    outcome = Failure(reason="a: http_500", at_least=90 * SECOND)
    assert settled(outcome) == Retry(wait=90 * SECOND, failures=1, reason="a: http_500")
