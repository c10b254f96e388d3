"""Stores with a backlog, in the shapes that the laws name, made by statements of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import apsw
from msgspec import Struct

from benchmarks.bodies import body
from hookgram.core.definition import Definition, Origin
from hookgram.core.model import DAY, Micros
from hookgram.core.retry import RetryPolicy
from hookgram.store.sqlite import open_sqlite

EVENTS = """
WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :count)
INSERT INTO event (event_id, bot_id, update_id, kind, chat_id, user_id, lane,
                   received_at, targets, body)
SELECT printf('evt_%026d', n), 123456, n, 'message', n, n, printf('chat/%d', n), :now, 1, :body
  FROM n
"""

DELIVERIES = """
INSERT INTO delivery (event_seq, target_id, state, priority, lane, due_at, created_at)
SELECT seq, CASE WHEN seq > :live THEN :other ELSE :target END,
       CASE WHEN :one_lane AND seq > 1 THEN 0 ELSE 1 END, 1,
       CASE WHEN :one_lane THEN 'chat/1' ELSE lane END, :now + :delay, :now
  FROM event
"""
"""State 0 waits, 1 is pending; the events after *live* are owed to the other target."""

ALL = 1 << 62
NOWHERE = "http://127.0.0.1:9/"


class Shape(Struct, frozen=True):
    """How a backlog lies. *live*: how many are owed to the target that works."""

    name: str
    one_lane: bool = False
    live: int = ALL
    delay: Micros = 0


SHAPES = (
    Shape("one lane", one_lane=True),
    Shape("a lane each"),
    Shape("a dead target beside a live one", live=1_000),
    Shape("all due later", delay=DAY),
)


def clock() -> Micros:
    """Tell the time, as the gateway does."""
    return time.time_ns() // 1_000


def definitions(urls: Sequence[str]) -> list[Definition]:
    """Describe the targets, as the environment would."""
    policy = RetryPolicy.doubling(base=2, retries=5, max_age=3 * DAY)
    return [
        Definition(name=name, urls=(url,), origin=Origin.ENV, retry=policy)
        for name, url in zip(("target", "other"), urls, strict=True)
    ]


def make(path: Path, shape: Shape, count: int) -> None:
    """Make a store with so many unsettled deliveries."""
    targets = asyncio.run(_with_targets(path))
    db = apsw.Connection(str(path))
    db.pragma("synchronous", "off")
    db.pragma("foreign_keys", 0)
    now = clock()
    with db:
        db.execute(EVENTS, {"count": count, "now": now, "body": body(1)})
        db.execute(
            DELIVERIES,
            {
                "live": shape.live,
                "target": targets[0],
                "other": targets[1],
                "one_lane": shape.one_lane,
                "delay": shape.delay,
                "now": now,
            },
        )
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    db.close()


async def _with_targets(path: Path) -> list[int]:
    store = await open_sqlite(path, clock=clock)
    targets = await store.register(definitions([NOWHERE] * 2))
    await store.close()
    return [target.target_id for target in targets]
