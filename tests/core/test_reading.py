"""Reading never fails, refuses only what is no update, and lets each field fail alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.kinds import KINDS
from hookgram.core.model import SECOND, Priority
from hookgram.core.reading import read


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(body):
    read(body)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.sampled_from(sorted(KINDS)), JSON)
def test_any_payload_of_any_kind_is_readable_and_cut_exactly(kind, payload):
    text = json.dumps(payload).encode()
    reading = read(b'{"update_id":1,\n"' + kind.encode() + b'":' + text + b"}")
    assert (reading.kind, reading.update_id, reading.payload) == (kind, 1, text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"update_id":1}',
        b'{"message":{}}',
        b'{"update_id":"1","message":{}}',
        b'{"update_id":1.0,"message":{}}',
        b'{"update_id":1e3,"message":{}}',
        b'{"update_id":true,"message":{}}',
        b'{"update_id":null,"message":{}}',
        b'{"update_id":1,"message":{"text":"cut',
        b'{"update_id":1,"message":{"date":NaN}}',
        b'{"update_id":1,"message":{"date":01}}',
        b'{"update_id":1,"message":{}} trailing',
        b'\xef\xbb\xbf{"update_id":1,"message":{}}',
        '{"update_id":1,"message":{}}'.encode("utf-16"),
        b'{"update_id":1,"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_update_is_unparsed(body):
    assert read(body) is None


@pytest.mark.parametrize("digits", [20, 30, 5000])
def test_integers_outside_64_bits_are_null_and_harm_nothing_else(digits):
    huge = b"9" * digits
    reading = read(
        b'{"update_id":' + huge + b',"message":{"chat":{"id":' + huge + b"},"
        b'"from":{"id":7},"date":' + huge + b',"text":"x"}}'
    )
    assert (reading.update_id, reading.chat_id, reading.timestamp) == (None, None, None)
    assert (reading.user_id, reading.text, reading.lane) == (7, "x", None)


def test_bad_utf_8_becomes_the_replacement_character_and_the_bytes_stay():
    payload = b'{"id":"1","from":{"id":7},"data":"a\xff\xfeb"}'
    reading = read(b'{"update_id":1,"callback_query":' + payload + b"}")
    assert reading.text == "a\ufffd\ufffdb"
    assert reading.payload == payload
    assert reading.lane == "callback/7"


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"\ud800", "\ufffd"),
        (rb"\udc00x", "\ufffdx"),
        (rb"\ud800\ud83d\ude00", "\ufffd😀"),
        (rb"\\ud800", r"\ud800"),
        (rb"\ud83d\ude00", "😀"),
        (rb"a\udfff\ud800b", "a\ufffd\ufffdb"),
    ],
)
def test_half_a_surrogate_pair_harms_nothing_else(escaped, text):
    payload = b'{"chat":{"id":5},"date":9,"text":"' + escaped + b'"}'
    reading = read(b'{"update_id":1,\n"message":' + payload + b"}")
    assert (reading.text, reading.chat_id, reading.timestamp) == (text, 5, 9)
    assert reading.payload == payload


def test_an_unknown_kind_passes_with_nothing_but_its_name():
    reading = read(b'{"update_id":3,"quantum_event":{"chat":{"id":1}}}')
    assert (reading.kind, reading.chat_id, reading.lane) == ("quantum_event", None, None)
    assert reading.expires_at(5) is None


@pytest.mark.parametrize(
    ("body", "expires_at"),
    [
        (b'{"update_id":1,"inline_query":{"from":{"id":1},"query":""}}', 130 * SECOND),
        (b'{"update_id":1,"callback_query":{"from":{"id":1}}}', 250 * SECOND),
        (b'{"update_id":1,"chosen_inline_result":{"from":{"id":1}}}', 700 * SECOND),
        (b'{"update_id":1,"message":{"date":50}}', (50 + 86_400) * SECOND),
    ],
)
def test_an_update_expires_when_telegram_would_give_it_up(body, expires_at):
    assert read(body).expires_at(100 * SECOND) == expires_at


def test_what_a_person_waits_for_goes_first():
    interactive = {name for name, kind in KINDS.items() if kind.priority is Priority.INTERACTIVE}
    assert interactive == {
        "inline_query",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
    }


def test_there_are_27_kinds():
    assert len(KINDS) == 27
