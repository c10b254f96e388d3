"""Backlogs in PostgreSQL, in the shapes that the laws name, made by statements of our own."""

from __future__ import annotations

import asyncpg

from benchmarks.bodies import body
from benchmarks.shapes import NOWHERE, Shape, clock, definitions
from hookgram.store.postgres import open_postgres

MINUTES = 600.0
"""Seconds that filling may take."""

EVENTS = """
INSERT INTO event (event_id, bot_id, update_id, kind, chat_id, user_id, lane, received_at, targets,
                   body)
SELECT 'evt_' || lpad(n::text, 26, '0'), 123456, n, 'message', n, n, 'chat/' || n, $2, 1, $3
  FROM generate_series(1, $1::bigint) AS n
"""

DELIVERIES = """
INSERT INTO delivery (event_seq, target_id, state, priority, lane, due_at, created_at)
SELECT seq, CASE WHEN seq > $1::bigint THEN 2 ELSE 1 END,
       CASE WHEN $2::boolean AND seq > 1 THEN 0 ELSE 1 END, 1,
       CASE WHEN $2::boolean THEN 'chat/1' ELSE lane END, $4::bigint + seq + $3::bigint,
       $4::bigint + seq
  FROM event ORDER BY seq
"""
"""State 0 waits, 1 is pending; the events after *live* ($1) are owed to the other target. Each came
a microsecond after the one before it."""

LANES = """
INSERT INTO lane (target_id, lane, unsettled)
SELECT target_id, lane, count(*) FROM delivery GROUP BY target_id, lane
"""


async def fill(url: str, shape: Shape, count: int) -> None:
    """Fill an empty store with so many unsettled deliveries; two targets are registered."""
    store = await open_postgres(url)
    await store.register(definitions([NOWHERE] * 2))
    await store.close()
    db = await asyncpg.connect(url)
    try:
        await db.execute(EVENTS, count, clock(), body(1), timeout=MINUTES)
        await owe(db, shape)
    finally:
        await db.close()


async def owe(db: asyncpg.Connection, shape: Shape) -> None:
    """Owe every event anew, in another shape."""
    await db.execute("TRUNCATE delivery, lane, lease, attempt RESTART IDENTITY")
    first = clock() - await db.fetchval("SELECT count(*) FROM event")
    await db.execute(DELIVERIES, shape.live, shape.one_lane, shape.delay, first, timeout=MINUTES)
    await db.execute(LANES, timeout=MINUTES)
    # As autovacuum and the checkpointer would have left it by the time there are so many.
    await db.execute("VACUUM (ANALYZE) delivery, lane, event", timeout=MINUTES)
    await db.execute("CHECKPOINT", timeout=MINUTES)
