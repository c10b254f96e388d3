"""Order within a lane: what is new waits behind what is unsettled; what ends lets the next go.

The invariant, kept by every transaction: no waiting row without an unsettled one before it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from hookgram.core.counters import ENDED, Counter
from hookgram.core.model import Micros, Owed, State
from hookgram.store.sqlite.transaction import Row, Transaction, listed

REMOVED = "target_removed"
"""The reason of deliveries cancelled because their target was removed."""

Debt: TypeAlias = tuple[int, Owed, "int | None"]
"""An event's number, what is owed of it, and the delivery it repeats."""

Lane: TypeAlias = tuple[int, str]
"""A target's id and the lane's name."""


def owe(tx: Transaction, debts: Sequence[Debt]) -> None:
    """Make deliveries, each at the tail of its lane, in this order. Raises NotFound for no target.

    Those that are owed to one after another become rows in one step.
    """
    rows: list[Row] = []
    lanes = set[Lane]()
    for event_seq, owed, replay_of in debts:
        tx.count(Counter.CREATED, owed.target_id)
        end = _end_of(tx, owed)
        if end is not None:
            _insert(tx, rows)
            tx.count(ENDED[end[0]], owed.target_id)
            values = (*_place(tx, event_seq, owed, replay_of), *end, tx.now)
            tx.write("insert_ended_delivery", values)
            continue
        first = owed.lane is None or (owed.target_id, owed.lane) not in lanes
        if owed.lane is not None:
            lanes.add((owed.target_id, owed.lane))
        rows.append((*_place(tx, event_seq, owed, replay_of), first))
    _insert(tx, rows)


def _end_of(tx: Transaction, owed: Owed) -> tuple[State, str] | None:
    """Tell the state and reason of what is settled before it began."""
    if tx.target_gone(owed.target_id):
        return State.CANCELLED, REMOVED
    return None if owed.dead is None else (State.DEAD, owed.dead)


def _place(tx: Transaction, event_seq: int, owed: Owed, replay_of: int | None) -> Row:
    due_at = tx.now + owed.delay
    return event_seq, owed.target_id, owed.priority, owed.lane, due_at, replay_of, tx.now


def _insert(tx: Transaction, rows: list[Row]) -> None:
    if rows:
        tx.write("insert_deliveries", {"rows": listed(rows)})
        rows.clear()


def promote(tx: Transaction, lanes: Collection[Lane]) -> dict[Lane, Micros]:
    """Let the next of each lane go, where one waits; returns when it is due, by lane."""
    if not lanes:
        return {}
    rows = tx.rows("promote", {"lanes": listed([*lanes])})
    return {(target_id, lane): due_at for target_id, lane, due_at in rows}
