"""The samples: every kind, the same from the same seed, each with its own mark."""

from __future__ import annotations

import json
from itertools import islice

from hookgram.core.kinds import KINDS
from hookgram.core.reading import read
from hookgram.demo.rules import queue_id, split
from hookgram.demo.samples import KINDS as SAMPLED
from hookgram.demo.samples import updates


def test_the_same_seed_writes_the_same_updates():
    assert list(islice(updates(3), 200)) == list(islice(updates(3), 200))
    assert list(islice(updates(3), 200)) != list(islice(updates(4), 200))


def test_every_kind_of_telegram_comes_up():
    assert set(SAMPLED) == set(KINDS)
    assert {split(body)[1] for body in islice(updates(), 2000)} == set(KINDS)


def test_ids_rise_one_by_one_and_the_line_feed_stands_behind_them():
    bodies = list(islice(updates(first=500), 50))
    assert [split(body)[0] for body in bodies] == list(range(500, 550))
    assert all(body.startswith(b'{"update_id":%d,\n"' % n) for n, body in enumerate(bodies, 500))


def test_each_says_its_own_number_so_that_order_can_be_seen():
    bodies = list(islice(updates(), 500))
    contents = [json.dumps(split(body)[2]) for body in bodies]
    assert len(set(contents)) == len(contents)


def test_both_sides_of_the_fence_put_the_same_updates_into_one_lane():
    ours, theirs = {}, {}
    for body in islice(updates(chats=5), 3000):
        number, kind, payload = split(body)
        reading = read(body)
        assert (reading.update_id, reading.kind) == (number, kind)
        ours.setdefault(queue_id(kind, payload), set()).add(number)
        theirs.setdefault(reading.lane, set()).add(number)
    assert {frozenset(lane) for lane in ours.values()} == {
        frozenset(lane) for lane in theirs.values()
    }
