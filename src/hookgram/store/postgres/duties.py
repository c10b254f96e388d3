"""What only one may do at a time (see ``ports.Duties``): functions over a transaction's calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from hookgram.core.model import Duty, Micros
from hookgram.store.postgres.call import Call, Kind
from hookgram.store.postgres.transaction import Transaction

Taking: TypeAlias = tuple[str, str, Micros]
Renewal: TypeAlias = tuple[Duty, Micros]


async def take(tx: Transaction, calls: Sequence[Taking]) -> list[Duty | None]:
    """Take duties that nobody has at this moment."""
    return [await _take(tx, *call) for call in calls]


async def _take(tx: Transaction, name: str, holder: str, lease: Micros) -> Duty | None:
    row = await tx.row("take_duty", name=name, holder=holder, until=tx.now + lease, now=tx.now)
    return Duty(name=name, token=row[0]) if row else None


async def renew(tx: Transaction, calls: Sequence[Renewal]) -> list[bool]:
    """Hold duties for *lease* from now, where they are still ours."""
    return [await _renew(tx, *call) for call in calls]


async def _renew(tx: Transaction, duty: Duty, lease: Micros) -> bool:
    fence = {"name": duty.name, "token": duty.token, "now": tx.now}
    return await tx.row("renew_duty", until=tx.now + lease, **fence) is not None


async def leave(tx: Transaction, calls: Sequence[Duty]) -> list[None]:
    """Have duties free at once, where they are still ours."""
    for duty in calls:
        await tx.rows("leave_duty", name=duty.name, token=duty.token, now=tx.now)
    return [None] * len(calls)


async def lapse(tx: Transaction, calls: Sequence[None]) -> list[None]:
    """End every duty now."""
    await tx.rows("lapse_duties", now=tx.now)
    return [None] * len(calls)


# Durable: two must not have a duty because the server forgot a commit.
TAKE = Kind(take)
RENEW = Kind(renew)
LEAVE = Kind(leave, durable=False)
LAPSE = Kind(lapse, durable=False)


def give_back(duty: Duty | None) -> list[Call[Any, Any]]:
    """Leave what a caller took that did not wait for it."""
    return [] if duty is None else [Call(LEAVE, duty)]
