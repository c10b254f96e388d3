"""The plot of the demo, and the sample targets' parts in it."""

from __future__ import annotations

from itertools import islice

import pytest

from hookgram.core.kinds import KINDS
from hookgram.demo.cast import BILLING, CAST, CRM, SHOP
from hookgram.demo.plot import Plot
from hookgram.demo.receiver import Request
from hookgram.demo.rules import split
from hookgram.demo.stage import FIRST, updates

ONCE = Plot(seconds=20, rate=10)
AGAIN = Plot(seconds=20, rate=10, endless=True)


def test_the_play_ends_unless_it_is_endless():
    assert [ONCE.over(at) for at in (0, 19.9, 20)] == [False, False, True]
    assert not AGAIN.over(1000)


def test_updates_come_at_the_rate_and_afterwards_calmly():
    assert [ONCE.posted(at) for at in (0, 1, 20, 30)] == [0, 10, 200, 200]
    assert AGAIN.posted(30) == 210


@pytest.mark.parametrize(("at", "left"), [(0, 0), (4.9, 0), (5, 4), (8, 1), (9, 0), (19, 0)])
def test_one_target_is_down_in_the_middle(at, left):
    assert ONCE.down_for(at) == pytest.approx(left)
    assert AGAIN.down_for(at + 40) == pytest.approx(left)


def test_nothing_is_down_when_the_play_is_over():
    assert ONCE.down_for(26) == 0


def test_the_updates_are_always_the_same_and_begin_with_each_kind():
    bodies = list(islice(updates(), 100))
    assert bodies == list(islice(updates(), 100))
    assert [split(body)[0] for body in bodies] == list(range(FIRST, FIRST + 100))
    assert {split(body)[1] for body in bodies[: len(KINDS)]} == set(KINDS)


def status(part, number, attempt="1", **headers):
    body = b'{"event":"message","update_id":%d}' % number
    return part.behaviour(Request("/", {"x-gateway-attempt": attempt, **headers}, body)).status


def test_the_healthy_target_takes_everything():
    assert {status(CRM, number) for number in range(300)} == {200}


def test_what_fails_now_and_then_is_taken_at_the_second_try():
    failed = [number for number in range(1, 100) if status(SHOP, number) == 500]
    assert 10 < len(failed) < 20
    assert {status(SHOP, number, "2") for number in failed} == {200}


def test_what_is_refused_for_good_is_taken_when_it_is_replayed():
    assert status(SHOP, FIRST) == status(SHOP, FIRST, "2") == 410
    assert status(SHOP, FIRST, **{"x-gateway-replay": "7"}) == 200


def test_targets_keep_their_names():
    assert [part.name for part in CAST] == ["crm", "shop", "billing"]
    assert status(BILLING, FIRST) == 200
