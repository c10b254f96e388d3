"""Makes arrivals of bodies."""

from __future__ import annotations

from hookgram.core.definition import Bot
from hookgram.core.identity import digest, digest_unparsed
from hookgram.core.model import UNPARSED, Arrival, Event, Micros, Owed
from hookgram.core.reading import Reading


def arrival(
    bot: Bot,
    body: bytes,
    reading: Reading | None,
    owed: tuple[Owed, ...],
    *,
    name: str,
    now: Micros,
) -> Arrival:
    """Make an event of a body and what was read from it. *name* is its event id."""
    reading = reading or Reading(update_id=None, kind=UNPARSED, payload=b"")
    # An id of more than 64 bits is not read, so the whole body must tell such updates apart.
    unnumbered = reading.update_id is None
    key = digest_unparsed(body) if unnumbered else digest(reading.kind, reading.payload)
    event = Event(
        event_id=name,
        bot_id=bot.bot_id,
        update_id=reading.update_id,
        kind=reading.kind,
        chat_id=reading.chat_id,
        user_id=reading.user_id,
        lane=reading.lane,
        received_at=now,
        expires_at=reading.expires_at(now),
        body=body,
    )
    return Arrival(event=event, digest=key, owed=owed)
