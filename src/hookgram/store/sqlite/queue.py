"""Claims and their ends (see ``ports.Queue``): each function within one transaction.

A settlement is recorded by a statement that names id, token and *leased*, and nothing else is
trusted: whoever lost the lease changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from hookgram.core.counters import Counter
from hookgram.core.model import Attempt, Claim, Claimed, Micros, Priority, Recorded, Want
from hookgram.core.outcome import Dead, Delivered, Released, Retry, Settlement
from hookgram.store.sqlite.lanes import promote
from hookgram.store.sqlite.rows import attempt_values, claim_of
from hookgram.store.sqlite.transaction import Row, Transaction, View, listed

LOST = Recorded(lost=True)

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
    """End every lease and every duty now."""
    tx.write("lapse_duties", {"now": tx.now})
    return tx.write("lapse_all", {"now": tx.now})


def extend(tx: Transaction, claim: Claim, lease: Micros) -> bool:
    """Make the lease last *lease* from now, if the token is current."""
    return bool(tx.write("extend", _fenced(claim, leased_until=tx.now + lease)))


class End(NamedTuple):
    """The end of a try: of which claim, how it is settled, and what was seen of it."""

    claim: Claim
    settlement: Settlement
    attempt: Attempt | None


def settle(tx: Transaction, ends: Sequence[End]) -> list[Recorded]:
    """Record ends of tries whose tokens are current, and promote the next of their lanes."""
    delivered = _deliver(tx, [end for end in ends if isinstance(end.settlement, Delivered)])
    recorded = [
        delivered.pop(_fence(end.claim), LOST)
        if isinstance(end.settlement, Delivered)
        else _settle_one(tx, *end)
        for end in ends
    ]
    for end, result in zip(ends, recorded, strict=True):
        if not result.lost:
            _keep(tx, end)
    return recorded


def _deliver(tx: Transaction, ends: Sequence[End]) -> dict[Fence, Recorded]:
    """Record deliveries, all at once; returns those whose tokens were current, by their fences."""
    if not ends:
        return {}
    fences = [_fence(end.claim) for end in ends]
    held = _held(tx, fences)
    values = [(*_fence(end.claim), *_last(end.attempt).values()) for end in ends]
    tx.write("delivered", {"ends": listed(values), "now": tx.now})
    for target_id, _ in held.values():
        tx.count(Counter.DELIVERED, target_id)
    lanes = [(target, lane) for target, lane in held.values() if lane is not None]
    due = promote(tx, lanes)
    return {
        fence: Recorded(due=None if lane is None else due.get((target, lane)))
        for fence, (target, lane) in held.items()
    }


def _held(tx: Transaction, fences: Sequence[Fence]) -> dict[Fence, tuple[int, str | None]]:
    """Return target and lane of the deliveries whose tokens are current."""
    [[text]] = tx.rows("held", {"claims": listed(fences)})
    return {(d, token): (target, lane) for d, token, target, lane in msgspec.json.decode(text)}


def _settle_one(
    tx: Transaction, claim: Claim, settlement: Settlement, attempt: Attempt | None
) -> Recorded:
    match settlement:
        case Dead(reason=reason, failures=failures):
            return _bury(tx, claim, {"reason": reason, "failures": failures, **_last(attempt)})
        case Retry():
            return _retry(tx, claim, settlement, attempt)
        case Released():
            return _release(tx, claim)
        case _:
            raise TypeError(f"no settlement of one delivery: {settlement!r}")


def keep(tx: Transaction, delivery_id: int, attempt: Attempt) -> None:
    """Keep this of an attempt, unless its delivery is gone."""
    if tx.row("delivery", {"id": delivery_id}) is not None:
        tx.write("insert_attempt", attempt_values(delivery_id, attempt))


def _bury(tx: Transaction, claim: Claim, values: dict[str, Any]) -> Recorded:
    row = tx.row("dead", _fenced(claim, now=tx.now, **values))
    if row is None:
        return LOST
    tx.count(Counter.DEAD, claim.target_id)
    lanes = [] if row[0] is None else [(claim.target_id, row[0])]
    return Recorded(due=min(promote(tx, lanes).values(), default=None))


def _retry(tx: Transaction, claim: Claim, retry: Retry, attempt: Attempt | None) -> Recorded:
    due_at = tx.now + retry.wait
    values = _fenced(claim, due_at=due_at, reason=retry.reason, failures=retry.failures)
    return Recorded(due=due_at) if tx.write("retry", values | _last(attempt)) else LOST


def _release(tx: Transaction, claim: Claim) -> Recorded:
    row = tx.row("release", _fenced(claim, now=tx.now))
    return Recorded(due=row[0]) if row else LOST


def give_back(tx: Transaction, claimed: Claimed) -> None:
    """Release claims that nobody took."""
    for claim in claimed.claims:
        _release(tx, claim)


def let_lapse(tx: Transaction, claims: Sequence[Claim]) -> None:
    """End the leases of taken-over claims that nobody took: their tries stay counted."""
    for claim in claims:
        extend(tx, claim, 0)


def due(view: View) -> dict[int, Micros]:
    """Tell when each target that has pending work has it next."""
    return {
        target_id: min(moment for moment in moments if moment is not None)
        for target_id, *moments in view.rows("due")
    }


def _fence(claim: Claim) -> Fence:
    return claim.delivery_id, claim.token


def _fenced(claim: Claim, **values: Any) -> dict[str, Any]:
    return {"id": claim.delivery_id, "token": claim.token, **values}


def _last(attempt: Attempt | None) -> dict[str, Any]:
    if attempt is None:
        return {"status": None, "took": None}
    return {"status": attempt.status, "took": attempt.took}


def _keep(tx: Transaction, end: End) -> None:
    """Keep what the try saw, unless it was a release, or a first one that delivered."""
    claim, settlement, attempt = end
    if attempt is None or isinstance(settlement, Released):
        return
    if attempt.number > 1 or not isinstance(settlement, Delivered):
        tx.write("insert_attempt", attempt_values(claim.delivery_id, attempt))
