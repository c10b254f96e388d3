"""Order within a lane: what is new waits behind what is unsettled; what ends lets the next go.

The invariant, kept by every transaction: no waiting row without an unsettled one before it.
"""

from __future__ import annotations

import collections
from collections.abc import Collection, Sequence
from typing import TypeAlias

from hookgram.core.counters import ENDED, Counter
from hookgram.core.model import Micros, State
from hookgram.store.sqlite.transaction import Row, Transaction

REMOVED = "target_removed"
"""The reason of deliveries cancelled because their target was removed."""

Debt: TypeAlias = tuple[int, Row, "int | None"]
"""An event's number, what is owed of it (see ``rows.owed_values``), and the delivery it repeats."""

Place: TypeAlias = tuple[int, "str | None"]
"""A target's id and the lane's name, if it has one."""


def owe(tx: Transaction, debts: Sequence[Debt]) -> None:
    """Make deliveries, each at the tail of its lane, in this order. Raises NotFound for no target.

    Those that are owed to one after another become rows in one step.
    """
    for target_id, times in collections.Counter(owed[0] for _, owed, _ in debts).items():
        tx.count(Counter.CREATED, target_id, times)
    rows: list[Row] = []
    lanes = set[Place]()
    for event_seq, (target_id, priority, lane, delay, dead), replay_of in debts:
        place = (event_seq, target_id, priority, lane, tx.now + delay, replay_of, tx.now)
        end = _end_of(tx, target_id, dead)
        if end is not None:
            _insert(tx, rows)
            tx.count(ENDED[end[0]], target_id)
            tx.write("insert_ended_delivery", (*place, *end, tx.now))
            continue
        first = lane is None or (target_id, lane) not in lanes
        if lane is not None:
            lanes.add((target_id, lane))
        rows.append((*place, first))
    _insert(tx, rows)


def _end_of(tx: Transaction, target_id: int, dead: str | None) -> tuple[State, str] | None:
    """Tell the state and reason of what is settled before it began."""
    if tx.target_gone(target_id):
        return State.CANCELLED, REMOVED
    return None if dead is None else (State.DEAD, dead)


def _insert(tx: Transaction, rows: list[Row]) -> None:
    if rows:
        tx.each("insert_deliveries", rows)
        rows.clear()


def promote(tx: Transaction, places: Collection[Place]) -> dict[Place, Micros]:
    """Let the next of each lane go, where one waits; returns when it is due, by lane."""
    lanes = [place for place in places if place[1] is not None]
    if not lanes:
        return {}
    rows = tx.each("promote", lanes)
    return {(target_id, lane): due_at for target_id, lane, due_at in rows}
