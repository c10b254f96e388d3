"""What a target receives, composed by the code that composes it."""

from __future__ import annotations

import json

from hookgram.cli.reference.tables import markdown
from hookgram.core.definition import Definition, Origin
from hookgram.core.envelope import compose
from hookgram.core.formats.event import event_body
from hookgram.core.kinds import KINDS, Kind
from hookgram.core.model import SECOND, UNPARSED, Event, Priority
from hookgram.core.reading import read
from hookgram.core.retry import RetryPolicy

BODY = (
    b'{"update_id":10000,\n"message":{"message_id":123,"date":1772040230,"text":"Hello Gateway",'
    b'"chat":{"id":1234567890,"type":"private","username":"username"},'
    b'"from":{"id":1234567890,"is_bot":false,"first_name":"A","username":"username"}}}'
)
EVENT_ID = "evt_01KG5Z9T3M8W2C4V6X8Z0B2D4F"
RECEIVED = 1_772_040_231 * SECOND
_LANES = {"chat": "chat", "user": "user", "id": "poll", "poll_id": "poll"}


def _event(kind: str, body: bytes, update_id: int | None) -> Event:
    reading = read(body)
    return Event(
        event_id=EVENT_ID,
        bot_id=123456,
        update_id=update_id,
        kind=kind,
        chat_id=reading.chat_id if reading else None,
        user_id=reading.user_id if reading else None,
        lane=reading.lane if reading else None,
        received_at=RECEIVED,
        expires_at=None,
        body=body,
    )


def _block(body: bytes) -> str:
    shown = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    return f"```json\n{shown}\n```"


def payload() -> str:
    """Print what a target receives for a message."""
    return _block(event_body(_event("message", BODY, 10000)))


def unparsed() -> str:
    """Print what a target receives when the dead letter of an unreadable body is replayed."""
    return _block(event_body(_event(UNPARSED, b"no update", None)))


def headers() -> str:
    """Print the headers of a replay with a secret, which has them all."""
    definition = Definition(
        name="target",
        urls=("https://bot.example.com/telegram",),
        origin=Origin.ENV,
        secrets=("an outbound secret of 24+ bytes",),
        retry=RetryPolicy(waits=(), max_age=0),
    )
    outbound = compose(
        _event("message", BODY, 10000),
        definition,
        attempt=2,
        replay_of=17,
        at=RECEIVED,
        user_agent="hookgram/<version>",
    )
    lines = [f"{name}: {value}" for name, value in outbound.headers.items()]
    return "\n".join(["```http", *lines, "```"])


def kinds() -> str:
    """Print how each kind of update is ordered, limited and preferred."""
    rows = [
        (
            f"`{name}`",
            _lane(kind),
            "yes" if kind.limited else "",
            "yes" if kind.priority is Priority.INTERACTIVE else "",
        )
        for name, kind in KINDS.items()
    ]
    return markdown(("kind", "lane", "rate limit", "goes first"), rows)


def _lane(kind: Kind) -> str:
    return f"{kind.space}, by {_LANES.get(kind.lane, 'user')}"
