"""What the laws of a store are stated with: a clock set by hand, arrivals, targets, settlements."""

from __future__ import annotations

import itertools
from typing import Any

from hookgram.core.definition import Definition, Origin, Target
from hookgram.core.model import (
    SECOND,
    Acceptance,
    Arrival,
    Attempt,
    Claim,
    Event,
    Micros,
    Owed,
    Priority,
    Recorded,
    Want,
)
from hookgram.core.outcome import Dead, Delivered, Released, Retry
from hookgram.core.retry import RetryPolicy
from hookgram.ports import Store

START: Micros = 1_772_040_230_123_457
LEASE: Micros = 25 * SECOND

_numbers = itertools.count(1)


class HandClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: Micros = START) -> None:
        self.now = now

    def __call__(self) -> Micros:
        return self.now

    def step(self, by: Micros) -> Micros:
        self.now += by
        return self.now


def arrival(
    *owed: Owed, update_id: int | None = None, digest: bytes | None = None, **fields: Any
) -> Arrival:
    """An arrival of its own; with a given ``update_id`` it can be the repeat of another."""
    number = next(_numbers)
    event = {
        "event_id": f"evt_{number:026d}",
        "bot_id": 42,
        "update_id": number if update_id is None else update_id,
        "kind": "message",
        "chat_id": 1,
        "user_id": 1,
        "lane": None,
        "received_at": START,
        "expires_at": None,
        "body": b'{"update_id":1,"message":{}}',
    }
    return Arrival(
        event=Event(**(event | fields)),
        digest=(update_id or number).to_bytes(16, "big") if digest is None else digest,
        owed=owed,
    )


def owed(target: Target, lane: str | None = None, **fields: Any) -> Owed:
    return Owed(target_id=target.target_id, lane=lane, **fields)


def definition(name: str, **fields: Any) -> Definition:
    plain: dict[str, Any] = {
        "urls": (f"https://{name}.example.com/hook",),
        "origin": Origin.ENV,
        "retry": RetryPolicy(waits=(SECOND,), max_age=3_600 * SECOND),
    }
    return Definition(name=name, **(plain | fields))


async def register(store: Store, *names: str) -> list[Target]:
    targets = await store.register([definition(name) for name in names])
    by_name = {target.name: target for target in targets}
    return [by_name[name] for name in names]


async def accept(store: Store, *arrivals: Arrival) -> list[Acceptance]:
    return await store.accept(arrivals)


async def owe(store: Store, target: Target, lane: str | None = None, **fields: Any) -> int:
    """Accept an event with one delivery and return the delivery's id."""
    priority = fields.pop("priority", Priority.NORMAL)
    delay, dead = fields.pop("delay", 0), fields.pop("dead", None)
    one = owed(target, lane, priority=priority, delay=delay, dead=dead)
    await store.accept([arrival(one, lane=lane, **fields)])
    [row] = await store.deliveries(target=target.name, limit=1)
    return row.delivery_id


async def claim(
    store: Store, *targets: Target, limit: int = 100, lease: Micros = LEASE, kept: int = 0
) -> list[Claim]:
    wants = [Want(target_id=t.target_id, limit=limit, lease=lease, kept=kept) for t in targets]
    return list((await store.claim(wants)).claims)


async def claim_one(store: Store, target: Target) -> Claim:
    [claimed] = await claim(store, target, limit=1)
    return claimed


def attempt(claimed: Claim, status: int | None = 200, **fields: Any) -> Attempt:
    return Attempt(
        number=claimed.attempt, started_at=claimed.claimed_at, took=1_234, status=status, **fields
    )


async def deliver(store: Store, claimed: Claim) -> Recorded:
    return await store.settle(claimed, Delivered(), attempt(claimed))


async def retry(store: Store, claimed: Claim, wait: Micros = SECOND) -> Recorded:
    settlement = Retry(wait=wait, failures=claimed.failures + 1, reason="http_500")
    return await store.settle(claimed, settlement, attempt(claimed, 500, error="http_500"))


async def bury(store: Store, claimed: Claim) -> Recorded:
    settlement = Dead(reason="http_410", failures=claimed.failures + 1)
    return await store.settle(claimed, settlement, attempt(claimed, 410))


async def release(store: Store, claimed: Claim) -> Recorded:
    return await store.settle(claimed, Released(), None)


def ids(claims: list[Claim]) -> list[int]:
    return [claimed.delivery_id for claimed in claims]
