"""Which targets an update is owed to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hookgram.core.definition import Target
from hookgram.core.filter import Search, admits, no_expressions
from hookgram.core.model import UNPARSED, Micros, Owed
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
    former: Collection[int] = (),
    search: Search = no_expressions,
) -> tuple[Owed, ...]:
    """Return one delivery for each of the bot's targets, its *takers*, that wants it.

    *former* are ids that its chat had before it migrated, *search* is the engine of filters. What
    could not be read (*reading* is None) is a dead letter of every target of the bot, whatever its
    filter. Lanes are per bot, and only for targets in order.
    """
    if reading is None:
        return tuple(Owed(target_id=target.target_id, dead=UNPARSED) for target in takers)
    lane = None if reading.lane is None else f"{bot_id}/{reading.lane}"
    owed = [
        Owed(
            target_id=target.target_id,
            priority=reading.priority,
            lane=lane if target.definition is not None and target.definition.ordered else None,
            delay=delay,
            dead=dead,
        )
        for target in takers
        if _wants(target, reading, former, search)
    ]
    return tuple(owed)


def takers_of(bot_id: int, targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets that take a bot's events: a paused one does, an orphan does not."""
    return tuple(target for target in targets if _takes(target, bot_id))


def _takes(target: Target, bot_id: int) -> bool:
    """Tell whether a target takes this bot's events."""
    definition = target.definition
    return definition is not None and definition.takes(bot_id)


def _wants(target: Target, reading: Reading, former: Collection[int], search: Search) -> bool:
    """Tell whether the update fits the target's filter."""
    definition = target.definition
    if definition is None or definition.filter is None:
        return True
    return admits(definition.filter, reading, former, search)
