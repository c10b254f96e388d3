"""A program of the former hookgram: makes a store with rows in every state, and says what is there.

Run as ``former_rows.py BACKEND PLACE``. It knows the former names only.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from hookgram.core.model import (
    SECOND,
    Arrival,
    Attempt,
    Definition,
    Event,
    Offset,
    Origin,
    Owed,
    Priority,
    Want,
)
from hookgram.core.outcome import Dead, Delivered, Retry
from hookgram.core.retry import RetryPolicy

START = 1_772_040_230_123_457
LEASE = 25 * SECOND
NAMES = ("shop", "gone", "quiet")


async def open_store(backend, place):
    if backend == "sqlite":
        from hookgram.store.sqlite import open_sqlite  # noqa: PLC0415

        return await open_sqlite(Path(place), clock=lambda: START)
    from hookgram.store.postgres import open_postgres  # noqa: PLC0415

    return await open_postgres(place, clock=lambda: START)


def arrival(number, lane, *owed, kind="message"):
    event = Event(
        event_id=f"evt_{number:026d}",
        bot_id=42,
        update_id=number,
        kind=kind,
        chat_id=1,
        user_id=1,
        lane=lane,
        received_at=START,
        expires_at=None,
        body=b'{"update_id":%d,"message":{}}' % number,
    )
    return Arrival(event=event, digest=number.to_bytes(16, "big"), owed=owed)


def definition(name):
    retry = RetryPolicy(waits=(SECOND,), max_age=3_600 * SECOND)
    url = f"https://{name}.example.com/hook"
    return Definition(name=name, urls=(url,), origin=Origin.ENV, retry=retry)


async def settle(store, claim, settlement, status):
    attempt = Attempt(number=claim.attempt, started_at=START, took=5, status=status)
    recorded = await store.settle(claim, settlement, attempt)
    assert not recorded.lost


async def fill(store):
    targets = {t.name: t.target_id for t in await store.register(map(definition, NAMES))}
    shop, gone, quiet = (targets[name] for name in NAMES)

    def owed(target, lane, **fields):
        return Owed(target_id=target, lane=lane, **fields)

    await store.accept([arrival(n, "a", owed(shop, "a")) for n in range(1, 5)])
    await store.accept([arrival(5, "b", owed(shop, "b"), owed(quiet, "b"))])
    await store.accept([arrival(6, "c", owed(shop, "c"), owed(gone, "c"))])
    await store.accept([arrival(7, "d", owed(shop, "d", delay=60 * SECOND))])
    await store.accept([arrival(8, "e", owed(shop, "e", priority=Priority.INTERACTIVE))])
    await store.accept([arrival(9, None, owed(shop, None, dead="unparsed"), owed(quiet, None))])
    await store.accept([arrival(10, None)], offset=Offset(bot_id=42, next_id=11))
    await store.accept([arrival(5, "b", owed(shop, "b"))])
    want = Want(target_id=shop, limit=4, lease=LEASE)
    claims = (await store.claim([want])).claims
    by_lane = {claim.event.lane: claim for claim in claims}
    await settle(store, by_lane["a"], Delivered(), 200)
    await settle(store, by_lane["b"], Retry(wait=SECOND, failures=1, reason="http_500"), 500)
    await settle(store, by_lane["c"], Dead(reason="http_410", failures=1), 410)
    await store.replay([by_lane["c"].delivery_id])
    await store.pause("quiet")
    await store.remove("gone")
    await store.refuse(42, -100, "group")
    await store.webhook_secret(42, "made")
    await store.take_duty("poll", "me", LEASE)
    return by_lane["e"]


async def main(backend, place):
    store = await open_store(backend, place)
    held = await fill(store)
    rows = await store.deliveries(limit=100)
    told = {
        "held": [held.delivery_id, held.token, held.leased_until],
        "rows": [
            [
                row.delivery_id,
                row.event_id,
                row.target,
                int(row.state),
                row.attempts,
                row.failures,
                row.due_at,
                row.reason,
                row.replay_of,
            ]
            for row in rows
        ],
        "counts": sorted([*key, value] for key, value in (await store.counts()).items()),
    }
    await store.close()
    sys.stdout.write(json.dumps(told))


asyncio.run(main(*sys.argv[1:]))
