"""The targets the store knows (see ``ports.TargetBook``): each function within one transaction.

A removal is several: the first marks the target, so that nothing new is owed to it; then its work
is cancelled, what waits before what leads, so that a cut between two leaves no lane stuck; the last
notes that it is done. ``register`` and a repeated ``remove`` go on where one was cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from hookgram.core.counters import Counter
from hookgram.core.definition import Definition, Origin, Target
from hookgram.core.model import State
from hookgram.errors import NotFound
from hookgram.store.definitions import definition_text
from hookgram.store.sqlite.call import Unfinished
from hookgram.store.sqlite.lanes import owe
from hookgram.store.sqlite.transaction import Transaction

STEP = 500
"""The most rows one transaction changes."""


def register(tx: Transaction, definitions: Sequence[Definition]) -> list[Target]:
    """Make the configured targets known by their names and list all that are not removed."""
    for definition in definitions:
        values = {
            "name": definition.name,
            "origin": definition.origin,
            "definition": definition_text(definition),
            "now": tx.now,
        }
        tx.write("register", values)
    configured = {definition.name: definition for definition in definitions}
    names = {"names": msgspec.json.encode(list(configured)).decode()}
    tx.write("orphan", names | {"now": tx.now})
    tx.write("adopt", names)
    return [
        Target(
            target_id=target_id,
            name=name,
            origin=Origin(origin),
            paused=bool(paused),
            definition=configured.get(name),
        )
        for target_id, name, origin, paused in tx.rows("targets")
    ]


def set_paused(tx: Transaction, name: str, *, paused: bool) -> None:
    """Let the target's work wait or go on."""
    if not tx.write("set_paused", {"name": name, "paused": paused}):
        raise NotFound(f"there is no target {name!r}")


def remove(tx: Transaction, name: str) -> Unfinished[int]:
    """Mark the target removed, also one whose removal was cut; goes on cancelling its work."""
    row = tx.row("target_to_remove", {"name": name})
    if row is None:
        raise NotFound(f"there is no target {name!r}")
    tx.write("mark_removed", {"target_id": row[0], "now": tx.now})
    tx.mark_gone(row[0])
    return Unfinished(partial(_cancel_on, target_id=row[0], before=0))


def _cancel_on(tx: Transaction, target_id: int, before: int) -> int | Unfinished[int]:
    """Cancel a step's worth after *before* rows; returns how many in all when none is left."""
    cancelled = before + _cancel(tx, target_id)
    if cancelled - before < STEP:
        tx.write("mark_drained", {"target_id": target_id})
        return cancelled
    return Unfinished(partial(_cancel_on, target_id=target_id, before=cancelled))


def finish_removals(tx: Transaction) -> Unfinished[None] | None:
    """Cancel a step's worth of the work of targets whose removal was cut; goes on till none is."""
    row = tx.row("undrained_target")
    if row is None:
        return None
    if _cancel(tx, row[0]) < STEP:
        tx.write("mark_drained", {"target_id": row[0]})
    return Unfinished(finish_removals)


def _cancel(tx: Transaction, target_id: int) -> int:
    """Cancel at most a step's worth: what waits before what leads. Returns how many."""
    cancelled = 0
    for state in (State.WAITING, State.PENDING, State.LEASED):
        values = {
            "target_id": target_id,
            "state": state,
            "limit": STEP - cancelled,
            "now": tx.now,
        }
        cancelled += tx.write("cancel", values)
    if cancelled:
        tx.count(Counter.CANCELLED, target_id, cancelled)
    return cancelled


def replay(tx: Transaction, delivery_ids: Sequence[int]) -> list[int]:
    """Owe each named delivery's event to its target once more."""
    if len(delivery_ids) > STEP:
        raise ValueError(f"at most {STEP} deliveries are replayed at a time")
    return [_replay_one(tx, delivery_id) for delivery_id in delivery_ids]


def _replay_one(tx: Transaction, delivery_id: int) -> int:
    row = tx.row("replayable", {"id": delivery_id})
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}, or its target is gone")
    event_seq, target_id, priority, lane = row
    owe(tx, [(event_seq, (target_id, priority, lane, 0, None), delivery_id)])
    return tx.last_id()
