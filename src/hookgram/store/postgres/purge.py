"""Dead letters removed by order (see ``ports.TargetBook.purge``), a bounded step at a time."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hookgram.store.postgres.call import Kind, Unfinished
from hookgram.store.postgres.removal import Removal
from hookgram.store.postgres.transaction import Transaction
from hookgram.store.postgres.upkeep import STEP

MOST = 500
"""The most dead letters of one call."""


class Purging(Struct, frozen=True):
    """A purge under way: *before* were removed by earlier steps."""

    delivery_ids: tuple[int, ...]
    before: int


async def purge(tx: Transaction, calls: Sequence[Purging]) -> list[int | Unfinished[int]]:
    """Remove those that are dead letters; returns how many in all."""
    return [await _purge(tx, step) for step in calls]


async def _purge(tx: Transaction, step: Purging) -> int | Unfinished[int]:
    ids = sorted(set(step.delivery_ids))
    rows = await tx.rows("dead_letters", ids=ids)
    removal = Removal(STEP - 2, settled_by=0)
    await removal.look_at(tx, {row[1] for row in rows}, wait=True)
    # Read again under the events' locks: another order may have been quicker.
    rows = await tx.rows("dead_letters", ids=ids)
    purged = step.before
    left: tuple[int, ...] = ()
    for place, (delivery_id, event_seq, target_id) in enumerate(rows):
        if not removal.delivery(delivery_id):
            left = tuple(row[0] for row in rows[place:])
            break
        removal.bare(event_seq)
        tx.count("purged", target_id)
        purged += 1
    await removal.carry_out(tx)
    return Unfinished(PURGE, Purging(left, purged)) if left else purged


PURGE = Kind(purge)
