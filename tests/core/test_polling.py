from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.model import MINUTE, SECOND
from hookgram.core.polling import (
    LIMITED,
    RIVAL,
    UNREACHED,
    WEBHOOK,
    next_id,
    of_conflict,
    pause,
    split,
    update_id,
)
from hookgram.core.reading import read


def answer(*updates: bytes) -> bytes:
    return b'{"ok":true,"result":[' + b",".join(updates) + b"]}"


WHOLE = b'{"update_id":1,\n"message":{ "text":"a,b]}[{\\"" ,"date":5.0}}'
BROKEN = [
    b'{"update_id":2,"message":{"text":nonsense}}',
    b'{"update_id":2,"message":{"text":"no end}}',
    b'{"update_id":2,"message":{"text":"x"',
    b'{"update_id":2,"message":{"text":"\\q"}}}}]]]',
    b'{"update_id":2,"message":' + b"[" * 200_000,
    b'{"update_id":2,"message":{"text":"a\nb"}}',
]


def test_updates_come_out_byte_for_byte():
    odd = b'{"update_id":2,"message":{"text":"\xff\xfe \\ud800"}}'
    assert split(answer(WHOLE, odd)) == [WHOLE, odd]
    assert split(answer(WHOLE, b"null", b"7")) == [WHOLE, b"null", b"7"]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_is_no_json_costs_the_others_nothing(broken: bytes, place: int):
    others = [WHOLE, b'{ "update_id" : 3 , "poll":{}}']
    others.insert(place, broken)
    cut = split(answer(*others))
    assert cut is not None
    assert [one for one in cut if one != broken] == [one for one in others if one != broken]
    assert len(cut) == 3
    assert read(cut[place]) is None


def test_text_that_looks_like_an_update_does_not_cut_one():
    sly = json.dumps({"update_id": 1, "message": {"text": ',{"update_id":5,"message":{}}'}})
    assert split(answer(BROKEN[0], sly.encode())) == [BROKEN[0], sly.encode()]


def test_no_update_is_an_answer_too():
    assert split(b'{"ok":true,"result":[]}') == []


@pytest.mark.parametrize(
    "no_answer",
    [b"", b"<html>", b'{"ok":false,"result":[]}', b'{"ok":true}', b'{"ok":true,"result":5}', b"[]"],
)
def test_what_is_no_answer_of_updates_is_none(no_answer: bytes):
    assert split(no_answer) is None


@given(st.lists(st.binary(max_size=40), max_size=4), st.binary(max_size=30))
def test_splitting_never_raises_and_never_invents(updates, tail):
    raw = b'{"ok":true,"result":[' + b",".join(updates) + tail
    for update in split(raw) or []:
        assert update in raw


@pytest.mark.parametrize(
    ("update", "number"),
    [
        (WHOLE, 1),
        (BROKEN[0], 2),
        (b'{"update_id":3}', 3),
        (b'{"update_id":99999999999999999999,"message":{}}', None),
        (b'{"update_id":-4,"message":{}}', None),
        (b'{"update_id":"7","message":{}}', None),
        (b"null", None),
        (b"", None),
    ],
)
def test_the_id_is_told_also_of_what_cannot_be_read(update: bytes, number: int | None):
    assert update_id(update, read(update)) == number


@pytest.mark.parametrize(
    ("ids", "asked", "after"),
    [
        ([7, 8], None, 9),
        ([7, None], None, 9),
        ([None, 8], None, 9),
        ([None, None], 7, 9),
        ([None], None, None),
        ([], 7, 7),
        ([3], 900, 4),
    ],
)
def test_polling_goes_on_after_the_last(ids, asked, after):
    assert next_id(ids, asked) == after


def test_the_two_conflicts_are_told_apart():
    active = (
        "Conflict: can't use getUpdates method while webhook is active; "
        "use deleteWebhook to delete the webhook first"
    )
    rival = (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
        "is running"
    )
    assert of_conflict(active) is WEBHOOK
    assert of_conflict(rival) is RIVAL
    assert of_conflict("Conflict: terminated by setWebhook request") is WEBHOOK


def test_pauses_grow_to_a_minute_and_honour_what_telegram_asks():
    assert [pause(UNREACHED, n) // SECOND for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause(RIVAL, 1) == 5 * SECOND
    assert pause(UNREACHED, 10**6) == MINUTE
    assert pause(LIMITED, 1, 7.5) == 7.5 * SECOND
    assert pause(LIMITED, 1, 3600.0) == 3600 * SECOND
