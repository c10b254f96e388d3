"""The short way through a message finds what the long way does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core import reading
from hookgram.core.reading import read

SAMPLES = (Path(__file__).parents[1] / "data" / "updates.jsonl").read_bytes().splitlines()


def read_the_long_way(body: bytes) -> reading.Reading | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "plain_update", lambda body: None)
        return read(body)


INTEGERS = st.integers() | st.sampled_from([0, -1, 2**40, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
ODD = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
CHATS = st.fixed_dictionaries({}, optional={"id": INTEGERS | ODD, "type": st.text() | INTEGERS})
USERS = st.fixed_dictionaries({}, optional={"id": INTEGERS | ODD, "username": st.text() | INTEGERS})
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "chat": CHATS | ODD,
        "from": USERS | ODD,
        "date": INTEGERS | ODD,
        "text": st.text() | INTEGERS | ODD,
        "caption": st.text(),
        "photo": st.lists(CHATS),
        "migrate_to_chat_id": INTEGERS,
        "reply_to_message": st.fixed_dictionaries({"chat": CHATS, "text": st.text()}),
    },
)
KINDS = st.sampled_from(["message", "edited_message", "channel_post", "business_message"])


@given(KINDS, MESSAGES, st.booleans())
def test_a_message_is_read_as_the_long_way_reads_it(kind, message, ascii_):
    body = json.dumps({"update_id": 1, kind: message}, ensure_ascii=ascii_)
    body = body.encode("utf-8", "replace")
    assert read(body) == read_the_long_way(body)


SPACES = st.sampled_from([b"", b"", b"", b" ", b"\r\n\t", b"\f"])
NUMBERS = st.sampled_from(
    [b"0", b"1", b"-1", b"01", b"1.0", b"1e3", b'"1"', b"null", b"9" * 18, b"9" * 19, b"9" * 25]
)
VALUES = MESSAGES.map(lambda message: json.dumps(message).encode()) | st.sampled_from(
    [
        b'{"chat":{"id":1},"date":2,"text":"%s"}' % text
        for text in (b"a", b"}", b"\\ud800", b"\xff", b'"},"poll":{"id":"1"', b"\n", b"\\u0000")
    ]
    + [
        b'{"chat":{"id":1},"date":2,"text":"a","x":%s}' % b
        for b in (b"\xff", b'"\xff"', b"01", b"")
    ]
    + [b"null", b"{}", b"{", b"1", b"[{}]"]
)
NAMES = st.sampled_from(
    [b"message", b"channel_post", b"poll", b"update_id", b"m\\u0065ssage", b"x"]
)


@given(st.data())
def test_an_update_is_read_as_the_long_way_reads_it(data):
    draw = data.draw
    members = draw(st.lists(st.tuples(NAMES, VALUES | NUMBERS), max_size=2))
    members = [(b"update_id", draw(NUMBERS)), (b"message", draw(VALUES)), *members]
    if draw(st.booleans()):
        members = draw(st.permutations(members))
    parts = [
        b'%s"%s"%s:%s%s%s' % (draw(SPACES), name, draw(SPACES), draw(SPACES), value, draw(SPACES))
        for name, value in members
    ]
    body = b"{" + b",".join(parts) + b"}" + draw(st.sampled_from([b"", b"}", b"\n", b",", b"{}"]))
    assert read(body) == read_the_long_way(body)


def test_every_sample_is_read_as_the_long_way_reads_it():
    bodies = [json.dumps(json.loads(line)["update"]).encode() for line in SAMPLES]
    assert [read(body) for body in bodies] == [read_the_long_way(body) for body in bodies]


def test_what_most_people_write_goes_the_short_way(monkeypatch):
    monkeypatch.delattr(reading, "_known")
    body = (
        b'{"update_id":1,"message":{"message_id":2,"from":{"id":3,"username":"ada"},'
        b'"chat":{"id":-4,"type":"group"},"date":5,"text":"hello"}}'
    )
    found = read(body)
    assert (found.chat_id, found.user_id, found.text, found.lane) == (-4, 3, "hello", "chat/-4")
