"""Dead letters removed by order (see ``ports.TargetBook.purge``), a bounded step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hookgram.core.counters import Counter
from hookgram.store.sqlite.call import Unfinished
from hookgram.store.sqlite.transaction import Transaction
from hookgram.store.sqlite.upkeep import STEP, Allowance, forget_delivery

MOST = 500
"""The most dead letters of one call."""


def purge(tx: Transaction, delivery_ids: Sequence[int], before: int) -> int | Unfinished[int]:
    """Remove those that are dead letters, after *before* removed; returns how many in all."""
    left = Allowance(STEP - 2)
    purged = before
    for place, delivery_id in enumerate(delivery_ids):
        row = tx.row("dead_letter", {"id": delivery_id})
        if row is None:
            continue
        if not forget_delivery(tx, delivery_id, left):
            return Unfinished(partial(purge, delivery_ids=delivery_ids[place:], before=purged))
        event_seq, target_id = row
        if not tx.rows("siblings", {"event_seq": event_seq, "id": delivery_id, "limit": 1}):
            left.spend(tx.write("delete_event", {"event_seq": event_seq}))
        tx.count(Counter.PURGED, target_id)
        purged += 1
    return purged
