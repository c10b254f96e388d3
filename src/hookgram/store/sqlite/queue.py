"""Claims and their ends (see ``ports.Queue``): each function within one transaction.

A settlement is recorded by a statement that names id, token and *leased*, and nothing else is
trusted: whoever lost the lease changes nothing.
"""

from __future__ import annotations

import collections
import secrets
from collections.abc import Sequence
from typing import Any, TypeAlias

from hookgram.core.counters import Counter
from hookgram.core.model import Claim, Claimed, Micros, Priority, Recorded, Want
from hookgram.core.outcome import Dead, Released, Retry, Settlement
from hookgram.store.sqlite.lanes import Place, promote
from hookgram.store.sqlite.rows import NUMBER, STATUS, TOOK, claim_of
from hookgram.store.sqlite.transaction import Row, Transaction, View, listed

LOST = Recorded(lost=True)
NOTHING_DUE = Recorded()
"""Most ends bring no new work: one value for all of them crosses to another process cheaply."""

Fence: TypeAlias = tuple[int, int]
"""A delivery's id and the token of a claim."""


def claim(tx: Transaction, wants: Sequence[Want]) -> Claimed:
    """Take what is due for each wanted target."""
    claims: list[Claim] = []
    due: dict[int, Micros | None] = {}
    for want in wants:
        due[want.target_id] = None
        if tx.row("target_works", {"target_id": want.target_id}):
            taken, due[want.target_id] = _claim_for(tx, want)
            claims += taken
    return Claimed(claims=tuple(claims), due=due)


def _claim_for(tx: Transaction, want: Want) -> tuple[list[Claim], Micros | None]:
    """Take what is due, interactive deliveries first; tell when there is more to take."""
    rows = _due_rows(tx, want.target_id, Priority.INTERACTIVE, want.limit)
    room = max(want.limit - max(len(rows), want.kept), 0)
    others = _due_rows(tx, want.target_id, Priority.NORMAL, room)
    full = want.kept > 0 and len(others) == room
    claims = _lease(tx, "lease", rows + others, want.lease, tries=1)
    return claims, _next_due(tx, want.target_id, [Priority.INTERACTIVE] if full else list(Priority))


def _due_rows(tx: Transaction, target_id: int, priority: Priority, limit: int) -> list[Row]:
    values = {"target_id": target_id, "priority": priority, "now": tx.now, "limit": limit}
    return tx.rows("claim", values)


def _lease(
    tx: Transaction, statement: str, rows: list[Row], lease: Micros, *, tries: int
) -> list[Claim]:
    """Lease the rows under one new token; with their ids it fences each of them."""
    if not rows:
        return []
    token = secrets.randbits(63)
    ids = [row[0] for row in rows]
    tx.write(statement, {"ids": listed(ids), "token": token, "leased_until": tx.now + lease})
    return [claim_of(row, tries=tries, token=token, now=tx.now, lease=lease) for row in rows]


def _next_due(tx: Transaction, target_id: int, priorities: Sequence[Priority]) -> Micros | None:
    heads = [
        tx.rows("next_due", {"target_id": target_id, "priority": priority})[0][0]
        for priority in priorities
    ]
    return min((due for due in heads if due is not None), default=None)


def claim_lapsed(tx: Transaction, limit: int, lease: Micros) -> list[Claim]:
    """Take over claims whose lease has ended; their tries were counted when they began."""
    rows = tx.rows("claim_lapsed", {"now": tx.now, "limit": limit})
    return _lease(tx, "take_over", rows, lease, tries=0)


def lapse_all(tx: Transaction) -> int:
    """End every lease now."""
    return tx.write("lapse_all", {"now": tx.now})


def extend(tx: Transaction, fence: Fence, lease: Micros) -> bool:
    """Make the lease last *lease* from now, if the token is current."""
    return bool(tx.write("extend", _fenced(fence, leased_until=tx.now + lease)))


Delivery: TypeAlias = "tuple[int, int, Row | None]"
"""A fence, and the columns of the attempt that delivered it (see ``rows.attempt_values``)."""


def deliver(tx: Transaction, ends: Sequence[Delivery]) -> list[Recorded]:
    """Record deliveries whose tokens are current, and promote the next of their lanes."""
    held = _held(tx, [end[:2] for end in ends])
    tx.each("delivered", [(*fence, *_seen(attempt), tx.now) for *fence, attempt in ends])
    for target_id, times in collections.Counter(target for target, _ in held.values()).items():
        tx.count(Counter.DELIVERED, target_id, times)
    due = promote(tx, held.values())
    ended: list[Recorded] = []
    for delivery_id, token, attempt in ends:
        # Taken out, so that the same end given twice is recorded once.
        place = held.pop((delivery_id, token), None)
        ended.append(LOST if place is None else _recorded(due.get(place)))
        if place is not None and attempt is not None and attempt[NUMBER] > 1:
            tx.write("insert_attempt", attempt)
    return ended


def _held(tx: Transaction, fences: Sequence[Fence]) -> dict[Fence, Place]:
    """Return target and lane of the deliveries whose tokens are current."""
    rows = tx.each("held", fences)
    return {(delivery, token): (target, lane) for delivery, token, target, lane in rows}


def settle(
    tx: Transaction, fence: Fence, target_id: int, settlement: Settlement, attempt: Row | None
) -> Recorded:
    """Record the end of a try that did not deliver, if its token is current."""
    match settlement:
        case Dead(reason=reason, failures=failures):
            ended = _bury(tx, fence, target_id, {"reason": reason, "failures": failures}, attempt)
        case Retry():
            ended = _retry(tx, fence, settlement, attempt)
        case Released():
            return _release(tx, fence)
        case _:
            raise TypeError(f"no settlement of a try that did not deliver: {settlement!r}")
    if attempt is not None and ended != LOST:
        tx.write("insert_attempt", attempt)
    return ended


def keep(tx: Transaction, delivery_id: int, attempt: Row) -> None:
    """Keep this of an attempt, unless its delivery is gone."""
    if tx.row("delivery", {"id": delivery_id}) is not None:
        tx.write("insert_attempt", attempt)


def _bury(
    tx: Transaction, fence: Fence, target_id: int, values: dict[str, Any], attempt: Row | None
) -> Recorded:
    status, took = _seen(attempt)
    row = tx.row("dead", _fenced(fence, now=tx.now, status=status, took=took, **values))
    if row is None:
        return LOST
    tx.count(Counter.DEAD, target_id)
    return _recorded(promote(tx, [(target_id, row[0])]).get((target_id, row[0])))


def _retry(tx: Transaction, fence: Fence, retry: Retry, attempt: Row | None) -> Recorded:
    due_at = tx.now + retry.wait
    status, took = _seen(attempt)
    values = {"due_at": due_at, "reason": retry.reason, "failures": retry.failures}
    written = tx.write("retry", _fenced(fence, status=status, took=took, **values))
    return Recorded(due=due_at) if written else LOST


def _release(tx: Transaction, fence: Fence) -> Recorded:
    row = tx.row("release", _fenced(fence, now=tx.now))
    return Recorded(due=row[0]) if row else LOST


def give_back(tx: Transaction, claimed: Claimed) -> None:
    """Release claims that nobody took."""
    for claim in claimed.claims:
        _release(tx, fence_of(claim))


def let_lapse(tx: Transaction, claims: Sequence[Claim]) -> None:
    """End the leases of taken-over claims that nobody took: their tries stay counted."""
    for claim in claims:
        extend(tx, fence_of(claim), 0)


def due(view: View) -> dict[int, Micros]:
    """Tell when each target that has pending work has it next."""
    return {
        target_id: min(moment for moment in moments if moment is not None)
        for target_id, *moments in view.rows("due")
    }


def fence_of(claim: Claim) -> Fence:
    """Tell by what the store knows the claim again."""
    return claim.delivery_id, claim.token


def _fenced(fence: Fence, **values: Any) -> dict[str, Any]:
    return {"id": fence[0], "token": fence[1], **values}


def _recorded(due: Micros | None) -> Recorded:
    return NOTHING_DUE if due is None else Recorded(due=due)


def _seen(attempt: Row | None) -> Row:
    """Status and duration of an attempt."""
    return (None, None) if attempt is None else (attempt[STATUS], attempt[TOOK])
