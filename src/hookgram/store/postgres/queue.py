"""Claims and their ends (see ``ports.Queue``): functions over a transaction's calls.

Nothing but the token is trusted: whoever lost the lease changes nothing. Neither claims nor ends
must be on stable storage when they are answered: a crash of the server takes back the last moments
in order, so a try is made again, and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, TypeAlias, assert_never

from msgspec import Struct

from hookgram.core.kinds import is_interactive
from hookgram.core.model import Attempt, Claim, Claimed, Micros, Recorded, State, Want
from hookgram.core.outcome import Dead, Delivered, Released, Retry, Settlement
from hookgram.store.postgres import lanes
from hookgram.store.postgres.call import Call, Kind
from hookgram.store.postgres.rows import ATTEMPT, attempt_values, claim_of, written
from hookgram.store.postgres.transaction import Row, Transaction, View, columns

LOST = Recorded(lost=True)
WANT = ("targets", "wanted", "kept", "tokens", "until")
SETTLED = ("ids", "tokens", "states", "waits", "reasons", "failures", "statuses", "took")

Extension: TypeAlias = tuple[Claim, Micros]
Portion: TypeAlias = tuple[int, Micros]
Kept: TypeAlias = tuple[int, Attempt]


class Ending(Struct, frozen=True):
    """The end of a try, as the worker reports it."""

    claim: Claim
    settlement: Settlement
    attempt: Attempt | None


async def claim(tx: Transaction, calls: Sequence[Sequence[Want]]) -> list[Claimed]:
    """Take what is due for each wanted target."""
    return [await _claim(tx, wants) for wants in calls]


async def _claim(tx: Transaction, wants: Sequence[Want]) -> Claimed:
    targets = [want.target_id for want in wants]
    rows = [
        (
            want.target_id,
            max(want.limit, 0),
            max(want.kept, 0),
            secrets.randbits(63),
            tx.now + want.lease,
        )
        for want in wants
    ]
    found = await tx.rows("claim", now=tx.now, **columns(rows, WANT)) if rows else []
    claims = tuple(claim_of(row, tx.now) for row in found)
    due: dict[int, Micros | None] = dict.fromkeys(targets)
    rows = await tx.rows("next_due", targets=targets)
    full = {want.target_id for want in wants if _is_full(want, claims)}
    due |= _earliest([row[:2] if row[0] in full else row for row in rows])
    return Claimed(claims=claims, due=due)


def _is_full(want: Want, claims: Sequence[Claim]) -> bool:
    """Tell whether what is not interactive has filled all places that are not kept."""
    own = [claim for claim in claims if claim.target_id == want.target_id]
    urgent = sum(is_interactive(claim.event.kind) for claim in own)
    return want.kept > 0 and len(own) - urgent == want.limit - max(urgent, want.kept)


async def claim_lapsed(tx: Transaction, calls: Sequence[Portion]) -> list[list[Claim]]:
    """Take over claims whose lease has ended; their tries were counted when they began."""
    return [await _take_over(tx, limit, lease) for limit, lease in calls]


async def _take_over(tx: Transaction, limit: int, lease: Micros) -> list[Claim]:
    how = {"now": tx.now, "limit": limit, "until": tx.now + lease}
    rows = await tx.rows("claim_lapsed", token=secrets.randbits(63), **how)
    return [claim_of(row, tx.now) for row in rows]


async def lapse_all(tx: Transaction, calls: Sequence[None]) -> list[int]:
    """End every lease now."""
    return [len(await tx.rows("lapse_all", now=tx.now)) for _ in calls]


async def extend(tx: Transaction, calls: Sequence[Extension]) -> list[bool]:
    """Make leases last from now, where the token is current."""
    rows = [(claim.delivery_id, claim.token, tx.now + lease) for claim, lease in calls]
    found = await tx.rows("extend", **columns(rows, ("ids", "tokens", "until")))
    current = {row[0] for row in found}
    return [claim.delivery_id in current for claim, _ in calls]


async def settle(tx: Transaction, calls: Sequence[Ending]) -> list[Recorded]:
    """Record the ends of tries whose tokens are current, and promote the next of their lanes."""
    ended = [e.claim.delivery_id for e in calls if isinstance(e.settlement, Delivered | Dead)]
    if ended:
        found = await tx.rows("lanes_of", ids=ended)
        await lanes.lock(tx, [(row[0], row[1]) for row in found])
    rows = [_values(ending) for ending in calls]
    settled = await tx.rows("settle", now=tx.now, **columns(rows, SETTLED))
    due = {row[0]: row[3] for row in settled}
    for row in settled:
        if row[2] in (State.DELIVERED, State.DEAD):
            tx.count(State(row[2]).name.lower(), row[1])
    await _keep_attempts(tx, [e for e in calls if e.claim.delivery_id in due])
    ids = [ending.claim.delivery_id for ending in calls]
    return [Recorded(due=due[each]) if each in due else LOST for each in ids]


def _values(ending: Ending) -> tuple[Any, ...]:
    claim, attempt = ending.claim, ending.attempt
    key = (claim.delivery_id, claim.token)
    last = (attempt.status, attempt.took) if attempt else (None, None)
    match ending.settlement:
        case Delivered():
            return (*key, State.DELIVERED, 0, None, None, *last)
        case Dead(reason=reason, failures=failures):
            return (*key, State.DEAD, 0, written(reason), failures, *last)
        case Retry(wait=wait, reason=reason, failures=failures):
            return (*key, State.PENDING, wait, written(reason), failures, *last)
        case Released():
            return (*key, State.PENDING, None, None, None, None, None)
        case _:
            assert_never(ending.settlement)


async def _keep_attempts(tx: Transaction, endings: Sequence[Ending]) -> None:
    rows = [
        attempt_values(ending.claim.delivery_id, ending.attempt)
        for ending in endings
        if ending.attempt is not None and _worth_keeping(ending.settlement, ending.attempt)
    ]
    if rows:
        await tx.rows("insert_attempts", **columns(rows, ATTEMPT))


def _worth_keeping(settlement: Settlement, attempt: Attempt) -> bool:
    if isinstance(settlement, Released):
        return False
    return attempt.number > 1 or not isinstance(settlement, Delivered)


async def keep(tx: Transaction, calls: Sequence[Kept]) -> list[None]:
    """Keep this of attempts, unless their deliveries are gone."""
    rows = [attempt_values(*kept) for kept in calls]
    await tx.rows("keep_attempts", **columns(rows, ATTEMPT))
    return [None for _ in calls]


async def due(view: View) -> dict[int, Micros]:
    """Tell when each target that has pending work has it next."""
    return _earliest(await view.rows("due"))


def _earliest(rows: Sequence[Row]) -> dict[int, Micros]:
    found = {row[0]: min((due for due in row[1:] if due is not None), default=None) for row in rows}
    return {target_id: due for target_id, due in found.items() if due is not None}


def _delivery(ending: Ending) -> int:
    return ending.claim.delivery_id


def _extended(extension: Extension) -> int:
    return extension[0].delivery_id


CLAIM = Kind(claim, durable=False)
CLAIM_LAPSED = Kind(claim_lapsed, durable=False)
LAPSE_ALL = Kind(lapse_all, durable=False)
EXTEND = Kind(extend, together=512, durable=False, apart=_extended)
KEEP = Kind(keep, together=512, apart=lambda kept: kept[0])
SETTLE = Kind(settle, together=512, durable=False, apart=_delivery)


def give_back(claimed: Claimed) -> list[Call[Any, Any]]:
    """Release claims that nobody took."""
    return [Call(SETTLE, Ending(claim, Released(), None)) for claim in claimed.claims]


def let_lapse(claims: Sequence[Claim]) -> list[Call[Any, Any]]:
    """End the leases of taken-over claims that nobody took: their tries stay counted."""
    return [Call(EXTEND, (claim, 0)) for claim in claims]
