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

from hookgram.core.model import Attempt, Claim, Claimed, Micros, Priority, Recorded, State, Want
from hookgram.core.outcome import Dead, Delivered, Released, Retry, Settlement
from hookgram.store.postgres.call import Call, Kind
from hookgram.store.postgres.cursors import Cursor, Cursors
from hookgram.store.postgres.rows import ATTEMPT, attempt_values, claim_of, written
from hookgram.store.postgres.transaction import Row, Single, Transaction, View, columns

LOST = Recorded(lost=True)
NOTHING = Claimed(claims=(), due={})
WANT = ("targets", "wanted", "kept", "tokens", "leases", "urgent_from", "plain_from")
SETTLED = (
    *("ids", "tokens", "states", "waits", "reasons", "failures", "statuses", "took"),
    *("kept", "numbers", "started", "errors", "excerpts", "members"),
)
NOT_KEPT = (False, None, None, None, None, None)

Extension: TypeAlias = tuple[Claim, Micros]
Portion: TypeAlias = tuple[int, Micros]
Kept: TypeAlias = tuple[int, Attempt]


class Claiming(Struct, frozen=True):
    """What is wanted, and how far the work of targets was taken before."""

    wants: Sequence[Want]
    cursors: Cursors


class Ending(Struct, frozen=True):
    """The end of a try, as the worker reports it."""

    claim: Claim
    settlement: Settlement
    attempt: Attempt | None


async def claim(tx: Single, calls: Sequence[Claiming]) -> list[Claimed]:
    """Take what is due for each wanted target."""
    return [await _claim(tx, one.wants, one.cursors) if one.wants else NOTHING for one in calls]


async def _claim(tx: Single, wants: Sequence[Want], cursors: Cursors) -> Claimed:
    now = cursors.clock() if tx.at is None else tx.at
    starts = {want.target_id: cursors.at(want.target_id, now) for want in wants}
    given = columns([_wanted(want, starts[want.target_id]) for want in wants], WANT)
    rows = await tx.rows("claim", at=tx.at, **given)
    taken = [row for row in rows if row["id"] is not None]
    due: dict[int, Micros | None] = {}
    for want in wants:
        start, target_id = starts[want.target_id], want.target_id
        own = [row for row in rows if row["target_id"] == target_id]
        due[target_id] = _next_due(want, start, own)
        if own:
            tx.told = own[-1]["ended"]
            claimed = [row for row in own if row["id"] is not None]
            cursors.forward(want, start, claimed, own[-1]["began"], own[-1]["ended"])
    taken.sort(key=lambda row: (row["priority"], row["due_at"], row["id"]))
    return Claimed(claims=tuple(claim_of(row, row["began"]) for row in taken), due=due)


def _next_due(want: Want, start: Cursor, rows: Sequence[Row]) -> Micros | None:
    """Tell when the target has work next, or may have: where a cursor was believed, see later."""
    levels = [row["priority"] for row in rows if row["id"] is not None]
    urgent = levels.count(Priority.INTERACTIVE)
    filled = want.kept > 0 and len(levels) - urgent == want.limit - max(urgent, want.kept)
    moments = [
        row["due_at"]
        for row in rows
        if row["id"] is None and row["due_at"] is not None and not (filled and row["priority"])
    ]
    if start.until and rows:
        moments.append(start.until)
    return min(moments, default=None)


def _wanted(want: Want, start: Cursor) -> tuple[int, ...]:
    places = (want.target_id, max(want.limit, 0), max(want.kept, 0))
    return (*places, secrets.randbits(63), want.lease, start.urgent, start.plain)


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


async def settle(tx: Single, calls: Sequence[Ending]) -> list[Recorded]:
    """Record the ends of tries whose tokens are current, and promote the next of their lanes."""
    given = columns([_values(ending) + _kept(ending) for ending in calls], SETTLED)
    settled = await tx.rows("settle", at=tx.at, shard=tx.shard, **given)
    due = {row["id"]: row["due_at"] for row in settled}
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


def _kept(ending: Ending) -> tuple[Any, ...]:
    attempt = ending.attempt
    if attempt is None or not _worth_keeping(ending.settlement, attempt):
        return NOT_KEPT
    kept = attempt_values(ending.claim.delivery_id, attempt)
    return True, kept[1], kept[2], *kept[5:]


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


CLAIM = Kind(claim, durable=False, single=True)
CLAIM_LAPSED = Kind(claim_lapsed, durable=False)
LAPSE_ALL = Kind(lapse_all, durable=False)
EXTEND = Kind(extend, together=512, durable=False, apart=_extended)
KEEP = Kind(keep, together=512, apart=lambda kept: kept[0])
SETTLE = Kind(settle, together=512, durable=False, single=True, apart=_delivery)


def give_back(claimed: Claimed) -> list[Call[Any, Any]]:
    """Release claims that nobody took."""
    return [Call(SETTLE, Ending(claim, Released(), None)) for claim in claimed.claims]


def let_lapse(claims: Sequence[Claim]) -> list[Call[Any, Any]]:
    """End the leases of taken-over claims that nobody took: their tries stay counted."""
    return [Call(EXTEND, (claim, 0)) for claim in claims]
