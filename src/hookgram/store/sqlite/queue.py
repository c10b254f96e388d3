"""Claims and their ends (see ``ports.Queue``): each function within one transaction.

A settlement is recorded by a statement that names id, token and *leased*, and nothing else is
trusted: whoever lost the lease changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, assert_never

import msgspec

from hookgram.core.counters import Counter
from hookgram.core.model import Attempt, Claim, Claimed, Micros, Priority, Recorded, Want
from hookgram.core.outcome import Dead, Delivered, Released, Retry, Settlement
from hookgram.store.sqlite.lanes import promote
from hookgram.store.sqlite.rows import attempt_values, claim_of
from hookgram.store.sqlite.transaction import Row, Transaction, View

LOST = Recorded(lost=True)


def claim(tx: Transaction, wants: Sequence[Want]) -> Claimed:
    """Take what is due for each wanted target."""
    claims: list[Claim] = []
    due: dict[int, Micros | None] = {}
    for want in wants:
        due[want.target_id] = None
        if tx.row("target_works", {"target_id": want.target_id}):
            claims += _claim_for(tx, want)
            due[want.target_id] = _next_due(tx, want.target_id)
    return Claimed(claims=tuple(claims), due=due)


def _claim_for(tx: Transaction, want: Want) -> list[Claim]:
    rows: list[Row] = []
    for priority in Priority:
        values = {
            "target_id": want.target_id,
            "priority": priority,
            "now": tx.now,
            "limit": max(want.limit - len(rows), 0),
        }
        rows += tx.rows("claim", values)
    return _lease(tx, "lease", rows, want.lease, tries=1)


def _lease(
    tx: Transaction, statement: str, rows: list[Row], lease: Micros, *, tries: int
) -> list[Claim]:
    """Lease the rows under one new token; with their ids it fences each of them."""
    if not rows:
        return []
    token = secrets.randbits(63)
    ids = msgspec.json.encode([row[0] for row in rows]).decode()
    tx.write(statement, {"ids": ids, "token": token, "leased_until": tx.now + lease})
    return [claim_of(row, tries=tries, token=token, now=tx.now, lease=lease) for row in rows]


def _next_due(tx: Transaction, target_id: int) -> Micros | None:
    heads = [
        tx.rows("next_due", {"target_id": target_id, "priority": priority})[0][0]
        for priority in Priority
    ]
    return min((due for due in heads if due is not None), default=None)


def claim_lapsed(tx: Transaction, limit: int, lease: Micros) -> list[Claim]:
    """Take over claims whose lease has ended; their tries were counted when they began."""
    rows = tx.rows("claim_lapsed", {"now": tx.now, "limit": limit})
    return _lease(tx, "take_over", rows, lease, tries=0)


def lapse_all(tx: Transaction) -> int:
    """End every lease now."""
    return tx.write("lapse_all", {"now": tx.now})


def extend(tx: Transaction, claim: Claim, lease: Micros) -> bool:
    """Make the lease last *lease* from now, if the token is current."""
    return bool(tx.write("extend", _fenced(claim, leased_until=tx.now + lease)))


def settle(
    tx: Transaction, claim: Claim, settlement: Settlement, attempt: Attempt | None
) -> Recorded:
    """Record the end of a try, if the token is current, and promote the next of its lane."""
    match settlement:
        case Delivered():
            recorded = _end(tx, "delivered", claim, _last(attempt))
        case Dead(reason=reason, failures=failures):
            values = {"reason": reason, "failures": failures, **_last(attempt)}
            recorded = _end(tx, "dead", claim, values)
        case Retry():
            recorded = _retry(tx, claim, settlement, attempt)
        case Released():
            return _release(tx, claim)
        case _:
            assert_never(settlement)
    if attempt is not None and not recorded.lost and _worth_keeping(settlement, attempt):
        tx.write("insert_attempt", attempt_values(claim.delivery_id, attempt))
    return recorded


def _end(tx: Transaction, statement: str, claim: Claim, values: dict[str, Any]) -> Recorded:
    row = tx.row(statement, _fenced(claim, now=tx.now, **values))
    if row is None:
        return LOST
    tx.count(Counter(statement), claim.target_id)
    return Recorded(due=promote(tx, claim.target_id, row[0]))


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


def _fenced(claim: Claim, **values: Any) -> dict[str, Any]:
    return {"id": claim.delivery_id, "token": claim.token, **values}


def _last(attempt: Attempt | None) -> dict[str, Any]:
    if attempt is None:
        return {"status": None, "took": None}
    return {"status": attempt.status, "took": attempt.took}


def _worth_keeping(settlement: Settlement, attempt: Attempt) -> bool:
    return attempt.number > 1 or not isinstance(settlement, Delivered)
