"""Telegram's numbers, as tables; and updates cut without changing a byte."""

from __future__ import annotations

import json

import pytest

from hookgram.core.kinds import KINDS
from hookgram.demo.connection import request
from hookgram.demo.rules import (
    lifetime,
    member_of,
    payload_of,
    queue_id,
    retry_wait,
    split,
    wait_after,
)

WAITS = [(1, 0), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 64)]


@pytest.mark.parametrize(("failures", "seconds"), WAITS)
def test_the_first_retry_is_at_once_and_then_the_wait_doubles(failures, seconds):
    assert retry_wait(failures, 0.5) == seconds


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 60), (0.5, 90), (0.99, 119.4)])
def test_later_waits_are_by_chance(chance, seconds):
    assert retry_wait(8, chance) == pytest.approx(seconds)
    assert retry_wait(900, chance) == pytest.approx(seconds)


RETRY_AFTER = [("7", 7), ("3600", 3600), ("99999", 3600), ("0", 16), ("", 16), (None, 16)]
NOT_SECONDS = ["-5", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "²", " 5"]


@pytest.mark.parametrize(("header", "seconds"), RETRY_AFTER + [(h, 16) for h in NOT_SECONDS])
def test_retry_after_counts_in_whole_seconds_only(header, seconds):
    assert wait_after(5, 0.5, header) == seconds


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        ("message", 86_400),
        ("poll", 86_400),
        ("never_heard_of", 86_400),
        ("inline_query", 30),
        ("chosen_inline_result", 600),
        ("callback_query", 150),
        ("shipping_query", 150),
        ("pre_checkout_query", 150),
    ],
)
def test_each_kind_is_kept_for_its_time(kind, seconds):
    assert lifetime(kind) == seconds


CHAT, USER = {"chat": {"id": 5}}, {"from": {"id": 5}}
AFFECTED = {"from": {"id": 9}, "old_chat_member": {"user": {"id": 5}}}
TOGETHER = [
    [("message", CHAT), ("edited_message", CHAT), ("channel_post", CHAT)],
    [("business_message", CHAT), ("deleted_business_messages", CHAT)],
    [("shipping_query", USER), ("pre_checkout_query", USER)],
    [("poll", {"id": "5"}), ("poll_answer", {"poll_id": "5", "user": {"id": 1}})],
    [("chat_member", AFFECTED), ("chat_join_request", USER)],
    [("chat_boost", CHAT), ("removed_chat_boost", CHAT)],
    [("my_chat_member", CHAT)],
    [("guest_message", CHAT)],
    [("message_reaction", CHAT)],
    [("message_reaction_count", CHAT)],
    [("inline_query", USER)],
    [("chosen_inline_result", USER)],
    [("callback_query", USER)],
]


def test_kinds_share_a_space_exactly_where_telegram_says_so():
    spaces = [{queue_id(kind, payload) for kind, payload in group} for group in TOGETHER]
    assert all(len(space) == 1 for space in spaces)
    assert None not in set.union(*spaces)
    assert len(set.union(*spaces)) == len(TOGETHER)


@pytest.mark.parametrize("payload", [{}, {"chat": {}}, {"chat": 5}, None, []])
def test_what_has_no_id_is_alone(payload):
    assert queue_id("message", payload) is None


def test_an_unknown_kind_is_alone():
    assert queue_id("never_heard_of", CHAT) is None


def test_the_gateway_and_the_sender_give_the_same_kinds_the_same_time():
    assert {k: lifetime(k) for k in KINDS} == {k: v.lifetime / 1e6 for k, v in KINDS.items()}


PAYLOAD = b'{ "data" : "\xff\xfe\\ud800", "n":1.0e2 ,"from":{"id":5}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"update_id":1,\n"callback_query":' + PAYLOAD + b"}",
        b' { "callback_query" :\t' + PAYLOAD + b' , "update_id" : 1 } \n',
    ],
)
def test_a_payload_is_cut_as_its_bytes_stand_even_in_bad_utf_8(body):
    number, kind, payload = split(body)
    assert (number, kind, payload["from"]) == (1, "callback_query", {"id": 5})
    assert payload_of(body) == PAYLOAD


def test_a_member_inside_a_member_is_not_mistaken_for_it():
    body = b'{"text":"\\"raw\\":1","inner":{"raw":2},"raw":{"raw":3}}'
    assert member_of(body, "raw") == b'{"raw":3}'
    assert member_of(b"{}", "raw") == b""


NO_UPDATES = {
    "nothing": b"",
    "cut off": b'{"update_id":1,"message":{',
    "an array": b"[1]",
    "no id": b'{"message":{}}',
    "a text for an id": b'{"update_id":"1","message":{}}',
    "true for an id": b'{"update_id":true,"message":{}}',
    "no kind": b'{"update_id":1}',
    "too deep": b"[" * 100_000,
    "5,000 digits": b'{"update_id":' + b"1" * 5000 + b',"message":{}}',
}


@pytest.mark.parametrize("body", NO_UPDATES.values(), ids=NO_UPDATES.keys())
def test_what_is_no_update_is_taken_whole(body):
    assert split(body) == (None, "unparsed", None)
    assert payload_of(body) == body


def test_credentials_in_the_address_become_a_header_and_the_usual_port_is_not_named():
    lines = request("http://bot:p%40ss@example.test:80/a?b=c", None, b"{}").split(b"\r\n")
    assert lines[:3] == [
        b"POST /a?b=c HTTP/1.1",
        b"Host: example.test",
        b"Authorization: Basic Ym90OnBAc3M=",
    ]
    assert not [line for line in lines if line.lower().startswith(b"user-agent")]
    assert json.loads(lines[-1]) == {}
