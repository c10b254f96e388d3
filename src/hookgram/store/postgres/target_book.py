"""The targets the store knows (see ``ports.TargetBook``): each function within one transaction.

A removal is several: the first marks the target, so that nothing new is owed to it; then its work
is cancelled, what waits before what leads, so that a cut between two leaves no lane stuck; the last
notes that it is done. ``register`` and a repeated ``remove`` go on where one was cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hookgram.core.definition import Definition, Origin, Target
from hookgram.core.model import State
from hookgram.errors import NotFound
from hookgram.store.definitions import definition_text
from hookgram.store.postgres import lanes
from hookgram.store.postgres.call import Kind, Unfinished
from hookgram.store.postgres.lanes import Due, hold_targets, owe
from hookgram.store.postgres.move import refuse_moving
from hookgram.store.postgres.rows import read, written
from hookgram.store.postgres.transaction import Row, Transaction, columns

STEP = 500
"""The most rows one transaction changes."""


class Pause(Struct, frozen=True):
    """A target's work is to wait, or to go on."""

    name: str
    paused: bool


class Cancelling(Struct, frozen=True):
    """A removal under way: *before* were cancelled by earlier steps."""

    target_id: int
    before: int


async def register(tx: Transaction, calls: Sequence[Sequence[Definition]]) -> list[list[Target]]:
    """Make the configured targets known by their names and list all that are not removed."""
    return [await _register(tx, definitions) for definitions in calls]


async def _register(tx: Transaction, definitions: Sequence[Definition]) -> list[Target]:
    configured = {definition.name: definition for definition in definitions}
    rows = [(written(name), str(d.origin), definition_text(d)) for name, d in configured.items()]
    names = ("names", "origins", "definitions")
    written_rows = await tx.rows("register", now=tx.now, **columns(rows, names))
    # Behind the lock that the insertion took: no move begins between here and the commit.
    await refuse_moving(tx)
    # Only new ones are news to others: replicas of two configurations must not wake each other up.
    if any(row[0] for row in written_rows):
        await tx.turn_page()
    await tx.rows("orphan", names=[row[0] for row in rows], now=tx.now)
    await tx.rows("adopt", names=[row[0] for row in rows])
    found = await tx.rows("targets")
    return [
        Target(
            target_id=row[0],
            name=(name := read(row[1]) or ""),
            origin=Origin(row[2]),
            paused=row[3],
            definition=configured.get(name),
        )
        for row in found
    ]


async def set_paused(tx: Transaction, calls: Sequence[Pause]) -> list[None]:
    """Let the target's work wait or go on."""
    for pause in calls:
        if not await tx.rows("set_paused", name=written(pause.name), paused=pause.paused):
            raise NotFound(f"there is no target {pause.name!r}")
        await tx.turn_page()
    return [None] * len(calls)


async def remove(tx: Transaction, calls: Sequence[str]) -> list[int | Unfinished[int]]:
    """Mark the target removed, also one whose removal was cut; goes on cancelling its work."""
    return [await _remove(tx, name) for name in calls]


async def _remove(tx: Transaction, name: str) -> Unfinished[int]:
    row = await tx.row("target_to_remove", name=written(name))
    if row is None:
        raise NotFound(f"there is no target {name!r}")
    await tx.rows("mark_removed", target_id=row[0], now=tx.now)
    await tx.turn_page()
    return Unfinished(CANCEL, Cancelling(row[0], 0))


async def cancel(tx: Transaction, calls: Sequence[Cancelling]) -> list[int | Unfinished[int]]:
    """Cancel a step's worth; returns how many in all when none is left."""
    return [await _cancel_on(tx, step) for step in calls]


async def _cancel_on(tx: Transaction, step: Cancelling) -> int | Unfinished[int]:
    looked, cancelled = await _cancel(tx, step.target_id)
    if looked == 0:
        await tx.rows("mark_drained", target_id=step.target_id)
        return step.before
    return Unfinished(CANCEL, Cancelling(step.target_id, step.before + cancelled))


async def finish_removals(tx: Transaction, calls: Sequence[None]) -> list[Unfinished[None] | None]:
    """Cancel a step's worth of the work of targets whose removal was cut; goes on till none is."""
    row = await tx.row("undrained_target")
    if row is None:
        return [None for _ in calls]
    looked, _ = await _cancel(tx, row[0])
    if looked == 0:
        await tx.rows("mark_drained", target_id=row[0])
    return [Unfinished(FINISH_REMOVALS, None) for _ in calls]


async def _cancel(tx: Transaction, target_id: int) -> tuple[int, int]:
    """Cancel at most a step's worth: how many were looked at, how many of them cancelled."""
    looked = cancelled = 0
    for state in (State.WAITING, State.PENDING):
        how = {"target_id": target_id, "state": state, "limit": STEP - looked}
        found = await tx.rows("to_cancel", **how)
        ids = [row[0] for row in found]
        await lanes.lock(tx, {(target_id, row[1]) for row in found if row[1] is not None})
        if ids:
            gone = await tx.rows("cancel", ids=ids, now=tx.now)
            await tx.rows("end_leases", ids=[row[0] for row in gone])
            cancelled += len(gone)
        looked += len(ids)
    if cancelled:
        tx.count("cancelled", target_id, cancelled)
    return looked, cancelled


async def replay(tx: Transaction, calls: Sequence[Sequence[int]]) -> list[list[int]]:
    """Owe each named delivery's event to its target once more."""
    return [await _replay(tx, delivery_ids) for delivery_ids in calls]


async def _replay(tx: Transaction, delivery_ids: Sequence[int]) -> list[int]:
    rows = await tx.rows("hold_replayed", ids=sorted(set(delivery_ids)))
    found = {row[0]: row for row in rows}
    gone = await hold_targets(tx, {row[2] for row in rows}) if rows else set()
    for each in delivery_ids:
        if each not in found or found[each][2] in gone:
            raise NotFound(f"there is no delivery {each}, or its target is gone")
    dues = [_again(found[each]) for each in delivery_ids]
    return await owe(tx, dues)


def _again(row: Row) -> Due:
    delivery_id, event_seq, target_id, priority, lane = row
    return Due(
        event_seq=event_seq,
        target_id=target_id,
        priority=priority,
        lane=lane,
        replay_of=delivery_id,
    )


REGISTER = Kind(register)
SET_PAUSED = Kind(set_paused)
REMOVE = Kind(remove)
CANCEL = Kind(cancel)
FINISH_REMOVALS = Kind(finish_removals)
REPLAY = Kind(replay)
