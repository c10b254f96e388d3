"""Order within a lane: what is new waits behind what is unsettled; what ends lets the next go.

The invariant, kept by every transaction: no waiting row without an unsettled one before it.
"""

from __future__ import annotations

from typing import Any

from hookgram.core.counters import ENDED, Counter
from hookgram.core.model import Micros, Owed, State
from hookgram.store.sqlite.transaction import Transaction

REMOVED = "target_removed"
"""The reason of deliveries cancelled because their target was removed."""


def owe(tx: Transaction, event_seq: int, owed: Owed, replay_of: int | None = None) -> int:
    """Make a delivery at the tail of its lane and return its id. Raises NotFound for no target."""
    values = {
        "event_seq": event_seq,
        "target_id": owed.target_id,
        "priority": owed.priority,
        "lane": owed.lane,
        "due_at": tx.now + owed.delay,
        "replay_of": replay_of,
        "now": tx.now,
    }
    tx.count(Counter.CREATED, owed.target_id)
    if tx.target_gone(owed.target_id):
        return _ended(tx, values, State.CANCELLED, REMOVED)
    if owed.dead is not None:
        return _ended(tx, values, State.DEAD, owed.dead)
    return tx.insert("insert_delivery", values)


def _ended(tx: Transaction, values: dict[str, Any], state: State, reason: str) -> int:
    tx.count(ENDED[state], values["target_id"])
    return tx.insert("insert_ended_delivery", values | {"state": state, "reason": reason})


def promote(tx: Transaction, target_id: int, lane: str | None) -> Micros | None:
    """Let the next of the lane go, if one waits; returns when it is due."""
    if lane is None:
        return None
    row = tx.row("promote", {"target_id": target_id, "lane": lane})
    return row[0] if row else None
