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


SPACES = st.just(b"") | st.sampled_from([b"", b" ", b"\r\n\t", b"\f"])
NUMBERS = st.integers(0, 10**18).map(lambda number: str(number).encode()) | st.sampled_from(
    [b"0", b"-1", b"01", b"1.0", b"1e3", b'"1"', b"null", b"9" * 18, b"9" * 19, b"9" * 25]
)
PLAIN = st.fixed_dictionaries(
    {
        "chat": st.fixed_dictionaries({"id": st.integers(-9, 9)}),
        "date": st.integers(1, 9),
        "text": st.text() | st.sampled_from(["}}", '"', '"},"poll":{"id":"1"}}']),
    },
    optional={"from": USERS, "x": st.text() | st.lists(CHATS)},
)
ENDS = st.sampled_from([b"", b"", b"", b"", b"}", b"\n", b",", b"{}"])
VALUES = st.builds(lambda message: json.dumps(message).encode(), PLAIN | MESSAGES) | (
    st.sampled_from(
        [b"a", b"\\ud800", b"\xff", b"\n", b'","x":\xff,"y":"', b'","x":01,"y":"', b'"']
    )
    .map(lambda text: b'{"chat":{"id":1},"date":2,"text":"%s"}' % text)
    .flatmap(lambda value: st.sampled_from([value, b"[]", b"1", b"{", b"{}", value + b"}"]))
)
NAMES = st.sampled_from(
    [b"message", b"channel_post", b"poll", b"update_id", b"m\\u0065ssage", b"x"]
)


@given(st.data())
def test_an_update_is_read_as_the_long_way_reads_it(data):
    draw = data.draw
    members = draw(st.lists(st.tuples(NAMES, VALUES | NUMBERS), max_size=1))
    members = [(b"update_id", draw(NUMBERS)), (b"message", draw(VALUES)), *members]
    if draw(st.sampled_from([False, False, True])):
        members = draw(st.permutations(members))
    gaps = draw(st.sampled_from([st.just(b""), SPACES]))
    parts = [
        b'%s"%s"%s:%s%s%s' % (draw(gaps), name, draw(gaps), draw(gaps), value, draw(gaps))
        for name, value in members
    ]
    body = b"{" + b",".join(parts) + b"}" + draw(ENDS)
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
