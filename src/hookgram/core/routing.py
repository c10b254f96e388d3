"""Which targets an update is owed to."""

from __future__ import annotations

from collections.abc import Iterable

from hookgram.core.model import UNPARSED, Micros, Owed, Target
from hookgram.core.reading import Reading

RATE_LIMITED = "rate_limited"
"""The reason of a dead letter that would have had to wait longer than the limit's cap."""


def route(
    reading: Reading | None,
    bot_id: int,
    takers: Iterable[Target],
    *,
    delay: Micros = 0,
    dead: str | None = None,
) -> tuple[Owed, ...]:
    """Return one delivery for each of the bot's targets, its *takers*.

    What could not be read (*reading* is None) is
    a dead letter of every target of the bot. Lanes are per bot, and only for targets in order.
    """
    if reading is None:
        return tuple(Owed(target_id=target.target_id, dead=UNPARSED) for target in takers)
    lane = None if reading.lane is None else f"{bot_id}/{reading.lane}"
    return tuple(
        Owed(
            target_id=target.target_id,
            priority=reading.priority,
            lane=lane if target.definition is not None and target.definition.ordered else None,
            delay=delay,
            dead=dead,
        )
        for target in takers
    )


def takers_of(bot_id: int, targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets that take a bot's events: a paused one does, an orphan does not."""
    return tuple(target for target in targets if _takes(target, bot_id))


def _takes(target: Target, bot_id: int) -> bool:
    """Tell whether a target takes this bot's events."""
    definition = target.definition
    return definition is not None and (definition.bots is None or bot_id in definition.bots)
