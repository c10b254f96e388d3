"""Every sample update comes out as its line says, and its bytes stay what they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hookgram.core.definition import Definition, Origin
from hookgram.core.envelope import compose
from hookgram.core.model import SECOND, Event
from hookgram.core.reading import read
from hookgram.core.retry import RetryPolicy

SAMPLES = Path(__file__).parents[1] / "data" / "updates.jsonl"
RECEIVED = 1_772_040_231


def cut(line: bytes, name: str) -> bytes:
    """Cut a member's bytes out of a line, exactly as they stand in it."""
    start = line.index(f'"{name}":'.encode()) + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(line.decode("latin-1"), start)
    return line[start:end]


LINES = [(json.loads(line), cut(line, "update")) for line in SAMPLES.read_bytes().splitlines()]


def test_all_samples_are_there():
    assert len(LINES) == 234


def composed(body: bytes) -> dict:
    reading = read(body)
    event = Event(
        event_id="evt_1",
        bot_id=123456,
        update_id=reading.update_id,
        kind=reading.kind,
        chat_id=reading.chat_id,
        user_id=reading.user_id,
        lane=reading.lane,
        received_at=RECEIVED * SECOND,
        expires_at=None,
        body=body,
    )
    definition = Definition(
        name="target",
        urls=("http://127.0.0.1/",),
        origin=Origin.ENV,
        retry=RetryPolicy(waits=(), max_age=1),
    )
    outbound = compose(
        event, definition, attempt=1, replay_of=None, at=RECEIVED * SECOND, user_agent="hookgram/1"
    )
    return {"bytes": outbound.body, **json.loads(outbound.body)}


@pytest.mark.parametrize(("sample", "body"), LINES, ids=[line["name"] for line, _ in LINES])
def test_a_sample_reads_as_its_line_says(sample, body):
    sent = composed(body)
    expected = dict(sample["expect"])
    if expected["timestamp"] is None:
        expected["timestamp"] = RECEIVED
    assert {name: sent[name] for name in expected} == expected
    assert sent["update_id"] == sample["update"]["update_id"]


@pytest.mark.parametrize(("sample", "body"), LINES, ids=[line["name"] for line, _ in LINES])
def test_the_payload_arrives_byte_for_byte(sample, body):
    kind = sample["expect"]["event"]
    payload = cut(body, kind)
    assert read(body).payload == payload
    assert cut(composed(body)["bytes"], "raw") == payload


@pytest.mark.parametrize(
    ("name", "lane"),
    [
        ("text_plain", "chat/1234567"),
        ("edited_text", None),
        ("biz_same_ids_as_chat", "business/7310558201"),
        ("callback_inline_message", "callback/233871904"),
        ("poll_answer_user", None),
        ("member_banned", None),
        ("unknown_update_type", None),
    ],
)
def test_lanes_are_telegrams_own(name, lane):
    [(sample, body)] = [(sample, body) for sample, body in LINES if sample["name"] == name]
    reading = read(body)
    if name == "unknown_update_type":
        assert reading.lane is None
    elif lane is not None:
        assert reading.lane == lane
    elif name == "member_banned":
        affected = sample["update"]["chat_member"]["old_chat_member"]["user"]["id"]
        assert reading.lane == f"member/{affected}"
    elif name == "poll_answer_user":
        assert reading.lane == f"poll/{sample['update']['poll_answer']['poll_id']}"
    else:
        assert reading.lane == f"chat/{sample['update']['edited_message']['chat']['id']}"
