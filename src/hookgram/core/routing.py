"""Which targets an update is owed to."""

from __future__ import annotations

from collections.abc import Iterable

from hookgram.core.model import UNPARSED, Micros, Owed, Target
from hookgram.core.reading import Reading

RATE_LIMITED = "rate_limited"


def route(
    reading: Reading | None,
    bot_id: int,
    targets: Iterable[Target],
    *,
    delay: Micros = 0,
    dead: str | None = None,
) -> tuple[Owed, ...]:
    """Return one delivery for each target that wants the update.

    An orphan is owed nothing new; a paused target is. What could not be read (*reading* is None) is
    a dead letter of every target of the bot. Lanes are per bot, and only for targets in order.
    """
    lane = None if reading is None or reading.lane is None else f"{bot_id}/{reading.lane}"
    return tuple(
        Owed(target_id=target.target_id, dead=UNPARSED)
        if reading is None
        else Owed(
            target_id=target.target_id,
            priority=reading.priority,
            lane=lane if definition.ordered else None,
            delay=delay,
            dead=dead,
        )
        for target in targets
        if (definition := target.definition) is not None
        and (definition.bots is None or bot_id in definition.bots)
    )
