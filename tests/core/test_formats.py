"""What each format promises, over every sample update."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from hookgram.core.definition import Definition, Format, Origin
from hookgram.core.envelope import compose
from hookgram.core.formats import LAYOUTS
from hookgram.core.model import SECOND, UNPARSED, Event
from hookgram.core.reading import read
from hookgram.core.retry import RetryPolicy

LINES = (Path(__file__).parents[1] / "data" / "updates.jsonl").read_bytes().splitlines()
RECEIVED = 1_772_040_231
SECRET_TOKEN = "X-Telegram-Bot-Api-Secret-Token"


def cut(line: bytes, name: str) -> bytes:
    """Cut a member's bytes out of a line, exactly as they stand in it."""
    start = line.index(f'"{name}":'.encode()) + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(line.decode("latin-1"), start)
    return line[start:end]


BODIES = {json.loads(line)["name"]: cut(line, "update") for line in LINES}


def event_of(body: bytes) -> Event:
    reading = read(body)
    return Event(
        event_id="evt_01JD8Y3Z6Q4T9V5X7B2M1N0PKR",
        bot_id=123456,
        update_id=reading.update_id if reading else None,
        kind=reading.kind if reading else UNPARSED,
        chat_id=reading.chat_id if reading else None,
        user_id=reading.user_id if reading else None,
        lane=None,
        received_at=RECEIVED * SECOND,
        expires_at=None,
        body=body,
    )


def sent(body: bytes, **how):
    definition = Definition(
        name="target",
        urls=("http://127.0.0.1/",),
        origin=Origin.FILE,
        retry=RetryPolicy(waits=(), max_age=1),
        **how,
    )
    return compose(
        event_of(body),
        definition,
        attempt=1,
        replay_of=None,
        at=RECEIVED * SECOND,
        user_agent="hookgram/1",
    )


def test_every_format_has_a_layout():
    assert set(LAYOUTS) == set(Format)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_update_is_the_bytes_that_came(body):
    assert sent(body, format=Format.UPDATE).body == body


@pytest.mark.parametrize("body", [b"", b"no json", b'{"update_id":1}', b"\xff\x00"])
def test_an_update_that_could_not_be_read_goes_as_it_came(body):
    assert sent(body, format=Format.UPDATE).body == body


def test_an_update_looks_as_if_telegram_had_sent_it():
    headers = sent(BODIES["text_plain"], format=Format.UPDATE, secret_token="theirs").headers
    assert headers["Content-Type"] == "application/json"
    assert headers[SECRET_TOKEN] == "theirs"
    assert {"webhook-id", "webhook-timestamp"} <= headers.keys()


def test_an_update_has_longer_than_telegram_gives_a_bot():
    assert LAYOUTS[Format.UPDATE].timeout == 65 * SECOND


@pytest.mark.parametrize("format_", [Format.EVENT, Format.CLOUDEVENTS])
def test_other_formats_do_not_pose_as_telegram(format_):
    headers = sent(BODIES["text_plain"], format=format_, secret_token="theirs").headers
    assert SECRET_TOKEN not in headers


def test_without_a_secret_token_no_header_claims_one():
    assert SECRET_TOKEN not in sent(BODIES["text_plain"], format=Format.UPDATE).headers


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_cloud_event_holds_the_payload_byte_for_byte(body):
    outbound = sent(body, format=Format.CLOUDEVENTS)
    assert cut(outbound.body, "data") == read(body).payload
    assert outbound.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_cloud_event_has_the_attributes_that_version_1_asks_for(body):
    told = json.loads(sent(body, format=Format.CLOUDEVENTS).body)
    reading = read(body)
    assert told["specversion"] == "1.0"
    assert told["id"] == "evt_01JD8Y3Z6Q4T9V5X7B2M1N0PKR"
    assert told["source"] == "urn:telegram:bot:123456"
    assert told["type"] == f"org.telegram.update.{reading.kind}"
    assert told["datacontenttype"] == "application/json"
    moment = datetime.fromisoformat(told["time"]).timestamp()
    assert moment == (RECEIVED if reading.timestamp is None else reading.timestamp)
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in told if name != "data")
    assert None not in [value for name, value in told.items() if name != "data"]


def test_a_cloud_event_is_about_its_chat_else_its_user():
    def about(fields: bytes) -> str | None:
        body = b'{"update_id":1,"message":{%s}}' % fields
        return json.loads(sent(body, format=Format.CLOUDEVENTS).body).get("subject")

    assert about(b'"chat":{"id":-5},"from":{"id":7}') == "chat/-5"
    assert about(b'"from":{"id":7}') == "user/7"
    assert about(b"") is None


def test_a_cloud_event_of_what_could_not_be_read_holds_the_bytes():
    told = json.loads(sent(b"\xffno json", format=Format.CLOUDEVENTS).body)
    assert base64.b64decode(told["data_base64"]) == b"\xffno json"
    assert told["datacontenttype"] == "application/octet-stream"
    assert told["type"] == "org.telegram.update.unparsed"
    assert "data" not in told
    assert "tgupdateid" not in told


def test_a_date_beyond_the_calendar_is_the_moment_it_came():
    body = b'{"update_id":1,"message":{"date":1000000000000}}'
    told = json.loads(sent(body, format=Format.CLOUDEVENTS).body)
    assert datetime.fromisoformat(told["time"]).timestamp() == RECEIVED


def test_headers_of_the_operator_go_along_and_ours_win():
    own = (("Authorization", "Bearer abc"), ("webhook-id", "forged"))
    headers = sent(BODIES["text_plain"], headers=own).headers
    assert headers["Authorization"] == "Bearer abc"
    assert headers["webhook-id"] == "evt_01JD8Y3Z6Q4T9V5X7B2M1N0PKR"


def test_a_signature_covers_the_body_of_the_format():
    bodies = {f: sent(BODIES["text_plain"], format=f, secrets=("s" * 30,)) for f in Format}
    assert len({outbound.headers["X-Gateway-Signature"] for outbound in bodies.values()}) == 3
