"""The lines of the log: their words are a contract."""

from __future__ import annotations

import logging

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hookgram.core import facts
from hookgram.core.outcome import (
    Dead,
    Delivered,
    GroupAnswer,
    Member,
    Released,
    Response,
    Retry,
    TransportFailure,
)
from hookgram.core.replying import Ended, Ending
from hookgram.observe.lines import line_of, milliseconds

OK = Response(status=200, headers={}, took=12_000)
SETTLED = {
    "seq": 1,
    "event_id": "evt_1",
    "update_id": 7,
    "bot_id": 123456,
    "kind": "message",
    "delivery_id": 5,
    "target": "target",
    "attempt": 1,
    "took": 12_000,
    "latency": 15_000,
}


def settled(settlement, answer=OK):
    return line_of(facts.DeliverySettled(**SETTLED, settlement=settlement, answer=answer))


@pytest.mark.parametrize(
    ("line", "words", "level"),
    [
        (settled(Delivered()), "✅ Sent event 1 → target (200, 12 ms)", logging.INFO),
        (
            settled(Retry(wait=2_000_000, failures=1, reason="http_500")),
            "🔁 Retry 1 for event 1 → target",
            logging.WARNING,
        ),
        (
            settled(Dead(reason="too_old", failures=3), None),
            "❌ Dropped event 1 after retries → target (not tried",
            logging.ERROR,
        ),
        (settled(Released()), "↩️ Released event 1 → target", logging.INFO),
        (line_of(facts.WorkerStarted(targets=("target",))), "🟢 WORKER STARTED", logging.INFO),
    ],
)
def test_a_line_begins_with_the_words_of_the_contract(line, words, level):
    assert line.message.startswith(words)
    assert line.level == level


def test_the_facts_of_an_attempt_are_fields():
    line = settled(Retry(wait=2_000_000, failures=1, reason="http_500"))
    expected = {
        "target": "target",
        "outcome": "retry",
        "attempt": 1,
        "seq": 1,
        "event_id": "evt_1",
        "status": 200,
        "reason": "http_500",
        "duration_ms": 12.0,
        "latency_ms": 15.0,
    }
    assert expected.items() <= line.fields.items()


def test_each_member_of_a_group_is_in_the_fields():
    refused = TransportFailure(kind="connect", detail="refused", sent=False)
    members = (Member(name="host-1", answer=OK), Member(name="host-2", answer=refused))
    line = settled(Delivered(), GroupAnswer(members=members))
    assert line.fields["members"] == {"host-1": 200, "host-2": "connect"}


def test_a_chat_that_is_refused_first_is_told_with_the_setting_to_add():
    refused = {"bot_id": 1, "chat_id": -100, "chat_kind": "group"}
    first = line_of(facts.UpdateRefused(**refused, first=True))
    assert "-100" in first.message
    assert "AUTHORIZED_CHAT_IDS" in first.message
    assert line_of(facts.UpdateRefused(**refused, first=False)).level == logging.DEBUG


@pytest.mark.parametrize("kind", facts.Fact.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_kind_of_fact_has_words_of_its_own(kind):
    values = dict.fromkeys(kind.__struct_fields__, 1)
    values |= {"targets": ("a",), "bots": ("b",), "settlement": Delivered(), "answer": None}
    values["ended"] = Ended(ending=Ending.REFUSED, method="sendMessage", status=403, error="no")
    line = line_of(kind(**{name: values[name] for name in kind.__struct_fields__}))
    assert not line.message.startswith(kind.__name__)


@given(st.integers(-(2**50), 2**50) | st.integers(-(10**6), 10**6).map(lambda n: n * 50))
@example(-20)
def test_a_time_in_milliseconds_is_rounded_to_tenths(micros):
    assert repr(milliseconds(micros)) == repr(round(micros / 1000, 1))
