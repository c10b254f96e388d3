"""A test delivery: an event that no chat sent, signed and sent like any other."""

from __future__ import annotations

from msgspec.structs import replace

from hookgram.core.definition import Definition
from hookgram.core.envelope import compose
from hookgram.core.identity import event_id
from hookgram.core.model import Event, Micros
from hookgram.core.outcome import Outbound

KIND = "test"
BODY = b'{"update_id":0,"test":{"text":"This is a test of the gateway. Nothing has happened."}}'
HEADER = "X-Gateway-Test"


def trial(
    definition: Definition, bot_id: int, *, at: Micros, entropy: bytes, user_agent: str
) -> Outbound:
    """Compose a test: kind ``test``, no chat, no user, with the header ``X-Gateway-Test``."""
    event = Event(
        event_id=event_id(at, entropy),
        bot_id=bot_id,
        update_id=None,
        kind=KIND,
        chat_id=None,
        user_id=None,
        lane=None,
        received_at=at,
        expires_at=None,
        body=BODY,
    )
    outbound = compose(event, definition, attempt=1, replay_of=None, at=at, user_agent=user_agent)
    return replace(outbound, headers={**outbound.headers, HEADER: "true"})
