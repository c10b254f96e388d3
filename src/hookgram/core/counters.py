"""What is counted: the closed list of counters that a store keeps, and the figures made of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from hookgram.core.model import State

Counts: TypeAlias = Mapping[tuple[str, str], int]
"""Values by (target name, counter name); '' names no target. What is absent is 0."""


class Counter(enum.StrEnum):
    """The name of a counter, as it is stored. Values only rise; names are never changed."""

    CREATED = "created"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"
    PURGED = "purged"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNROUTED = "unrouted"
    UNPARSED = "unparsed"
    NOT_AUTHORIZED = "refused.not_authorized"


class Meaning(Struct, frozen=True, kw_only=True):
    """What a counter counts, and whether it is kept for each target."""

    counter: Counter
    by_target: bool
    counts: str


MEANINGS = (
    Meaning(
        counter=Counter.CREATED,
        by_target=True,
        counts="deliveries made: one for each target an update is owed to, one for each replay",
    ),
    Meaning(
        counter=Counter.DELIVERED,
        by_target=True,
        counts="deliveries that ended with a complete 2xx answer",
    ),
    Meaning(
        counter=Counter.DEAD,
        by_target=True,
        counts="deliveries that ended as dead letters, those dead on arrival included",
    ),
    Meaning(
        counter=Counter.CANCELLED,
        by_target=True,
        counts="deliveries that ended because somebody removed their target",
    ),
    Meaning(
        counter=Counter.PURGED,
        by_target=True,
        counts="dead letters removed, by their age or by order",
    ),
    Meaning(
        counter=Counter.ACCEPTED,
        by_target=False,
        counts="updates stored as events",
    ),
    Meaning(
        counter=Counter.DUPLICATE,
        by_target=False,
        counts="updates that were stored before: answered 200, nothing else done",
    ),
    Meaning(
        counter=Counter.UNROUTED,
        by_target=False,
        counts="stored events that no target was there for",
    ),
    Meaning(
        counter=Counter.UNPARSED,
        by_target=False,
        counts="stored bodies that could not be read as an update",
    ),
    Meaning(
        counter=Counter.NOT_AUTHORIZED,
        by_target=False,
        counts="updates of chats that the access rules do not admit: answered 200, not stored",
    ),
)

REFUSED = tuple(counter for counter in Counter if counter.startswith("refused."))
ENDED = {
    State.DELIVERED: Counter.DELIVERED,
    State.DEAD: Counter.DEAD,
    State.CANCELLED: Counter.CANCELLED,
}
"""What counts the deliveries that ended in each state."""


class Figure(Struct, frozen=True, kw_only=True):
    """A number that ``/stats`` shows: some counters less others, over all targets."""

    name: str
    meaning: str
    plus: tuple[Counter, ...]
    minus: tuple[Counter, ...] = ()


FIGURES = (
    Figure(
        name="queued",
        meaning="deliveries unsettled now: waiting, pending or leased",
        plus=(Counter.CREATED,),
        minus=(Counter.DELIVERED, Counter.DEAD, Counter.CANCELLED),
    ),
    Figure(
        name="dead",
        meaning="dead letters kept now",
        plus=(Counter.DEAD,),
        minus=(Counter.PURGED,),
    ),
    Figure(
        name="refused",
        meaning="updates refused, for whatever reason, since the beginning",
        plus=REFUSED,
    ),
    Figure(name="accepted", meaning="updates stored since the beginning", plus=(Counter.ACCEPTED,)),
    Figure(
        name="delivered",
        meaning="deliveries that reached their target since the beginning",
        plus=(Counter.DELIVERED,),
    ),
)


def figures(counts: Counts) -> dict[str, int]:
    """Work out every figure."""
    totals: dict[str, int] = {}
    for (_, counter), value in counts.items():
        totals[counter] = totals.get(counter, 0) + value

    def total(counters: tuple[Counter, ...]) -> int:
        return sum(totals.get(counter, 0) for counter in counters)

    return {figure.name: total(figure.plus) - total(figure.minus) for figure in FIGURES}
