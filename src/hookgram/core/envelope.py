"""What is sent: the body and headers of one attempt at one target."""

from __future__ import annotations

from hookgram.core.definition import Definition
from hookgram.core.formats import LAYOUTS
from hookgram.core.model import SECOND, Event, Micros
from hookgram.core.outcome import Outbound
from hookgram.core.replying import LARGEST
from hookgram.core.signing import gateway_signature, sign


def compose(
    event: Event,
    definition: Definition,
    *,
    attempt: int,
    replay_of: int | None,
    at: Micros,
    user_agent: str,
) -> Outbound:
    """Compose one attempt: the body is the same for each, signatures cover the time *at*."""
    layout = LAYOUTS[definition.format]
    body = layout.body(event)
    headers = {
        **dict(definition.headers),
        "Content-Type": layout.content_type,
        "User-Agent": user_agent,
        "Accept-Encoding": "identity",
        "webhook-id": event.event_id,
        "webhook-timestamp": str(at // SECOND),
        "X-Gateway-Attempt": str(attempt),
        **layout.headers(definition),
    }
    if definition.secrets:
        headers["webhook-signature"] = sign(
            definition.secrets, event_id=event.event_id, timestamp=at // SECOND, body=body
        )
        headers["X-Gateway-Signature"] = gateway_signature(definition.secrets[0], body)
    if replay_of is not None:
        headers["X-Gateway-Replay"] = str(replay_of)
    whole = LARGEST if definition.responder else 0
    return Outbound(headers=headers, body=body, timeout=definition.timeout, whole=whole)
