"""Order within a lane: what is new waits behind what is unsettled; what ends lets the next go.

The invariant, kept by every transaction: no waiting row without an unsettled one before it. A lane
has one row that everybody locks before changing it, in the order of (target, lane).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct

from hookgram.core.model import Micros, Owed, State
from hookgram.errors import NotFound
from hookgram.store.postgres.rows import written
from hookgram.store.postgres.transaction import Transaction, columns

REMOVED = "target_removed"
"""The reason of deliveries cancelled because their target was removed."""
DELIVERY = ("events", "targets", "priorities", "lanes", "due", "replays", "states", "reasons")


class Due(Struct, frozen=True, kw_only=True):
    """A delivery to be made. ``lane`` is written as the database keeps it."""

    event_seq: int
    target_id: int
    priority: int
    lane: str | None
    due_at: Micros
    dead: str | None = None
    replay_of: int | None = None


def due_of(owed: Owed, event_seq: int, now: Micros) -> Due:
    """State what an arriving event owes."""
    return Due(
        event_seq=event_seq,
        target_id=owed.target_id,
        priority=owed.priority,
        lane=written(owed.lane),
        due_at=now + owed.delay,
        dead=owed.dead,
    )


async def hold_targets(tx: Transaction, target_ids: Collection[int]) -> set[int]:
    """Keep the targets from being removed until the commit; return those that are removed.

    Raises NotFound if there is none of that number.
    """
    rows = await tx.rows("hold_targets", ids=sorted(target_ids))
    missing = set(target_ids) - {row[0] for row in rows}
    if missing:
        raise NotFound(f"there is no target {min(missing)}")
    return {row[0] for row in rows if row[1]}


async def owe(tx: Transaction, dues: Sequence[Due], gone: set[int]) -> list[int]:
    """Make deliveries at the tails of their lanes, in this order, and return their ids."""
    if not dues:
        return []
    ended = [_ended(due, gone) for due in dues]
    joining: Counter[tuple[int, str | None]] = Counter(
        (due.target_id, due.lane)
        for due, end in zip(dues, ended, strict=True)
        if end is None and due.lane is not None
    )
    busy = await _join(tx, joining)
    rows = []
    for due, end in zip(dues, ended, strict=True):
        tx.count("created", due.target_id)
        if end is None:
            lane = (due.target_id, due.lane)
            state, reason = (State.WAITING if lane in busy else State.PENDING), None
            if due.lane is not None:
                busy.add(lane)
        else:
            state, reason = end
            tx.count(state.name.lower(), due.target_id)
        rows.append(_values(due, state, reason))
    made = await tx.rows("insert_deliveries", now=tx.now, **columns(rows, DELIVERY))
    return sorted(row[0] for row in made)


def _ended(due: Due, gone: set[int]) -> tuple[State, str] | None:
    if due.target_id in gone:
        return State.CANCELLED, REMOVED
    return None if due.dead is None else (State.DEAD, due.dead)


def _values(due: Due, state: State, reason: str | None) -> tuple[object, ...]:
    return (
        due.event_seq,
        due.target_id,
        due.priority,
        due.lane,
        due.due_at,
        due.replay_of,
        state,
        written(reason),
    )


async def _join(
    tx: Transaction, joining: Counter[tuple[int, str | None]]
) -> set[tuple[int, str | None]]:
    """Lock the lanes and add to them; return those that were not free."""
    if not joining:
        return set()
    rows = [(target_id, lane, more) for (target_id, lane), more in joining.items()]
    found = await tx.rows("join_lanes", **columns(rows, ("targets", "lanes", "more")))
    return {(row[0], row[1]) for row in found if row[2] > joining[row[0], row[1]]}


async def lock(tx: Transaction, lanes: Collection[tuple[int, str]]) -> None:
    """Lock lanes in their order; what is read afterwards stays true until the commit."""
    if lanes:
        await tx.rows("lock_lanes", **columns(list(lanes), ("targets", "lanes")))
