"""Order within a lane: what is new waits behind what is unsettled; what ends lets the next go.

The invariant, kept by every transaction: no waiting row without an unsettled one before it. A lane
has one row that everybody locks before changing it, in the order of (target, lane).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from hookgram.errors import NotFound
from hookgram.store.postgres.transaction import Transaction, columns

DUE = ("events", "targets", "priorities", "lanes", "delays", "replays", "reasons")
"""The columns of ``owe``."""


class Due(Struct, frozen=True, kw_only=True):
    """A delivery to be made, due at once. ``lane`` is written as the database keeps it."""

    event_seq: int
    target_id: int
    priority: int
    lane: str | None
    replay_of: int | None = None


async def hold_targets(tx: Transaction, target_ids: Collection[int]) -> set[int]:
    """Keep the targets from being removed until the commit; return those that are removed.

    Raises NotFound if there is none of that number.
    """
    rows = await tx.rows("hold_targets", ids=sorted(target_ids))
    missing = set(target_ids) - {row[0] for row in rows}
    if missing:
        raise NotFound(f"there is no target {min(missing)}")
    return {row[0] for row in rows if row[1]}


async def owe(tx: Transaction, dues: Sequence[Due]) -> list[int]:
    """Make deliveries at the tails of their lanes, in this order, and return their ids."""
    if not dues:
        return []
    for due in dues:
        tx.count("created", due.target_id)
    rows = [
        (due.event_seq, due.target_id, due.priority, due.lane, 0, due.replay_of, None)
        for due in dues
    ]
    [made] = await tx.rows("owe", now=tx.now, **columns(rows, DUE))
    return list(made[0])


async def lock(tx: Transaction, lanes: Collection[tuple[int, str]]) -> None:
    """Lock lanes in their order; what is read afterwards stays true until the commit."""
    if lanes:
        await tx.rows("lock_lanes", **columns(list(lanes), ("targets", "lanes")))
