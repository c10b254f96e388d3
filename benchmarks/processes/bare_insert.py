"""The limit of storing: the rows of an update by one statement on asyncpg, and nothing else.

``python -m benchmarks.processes.bare_insert URL TOGETHER CONNECTIONS``: TOGETHER updates share a
statement and its commit. It looks for no duplicate, locks and counts nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import asyncpg
import uvloop

from benchmarks.processes.orders import Order, Spent, arrival, obey, spread
from hookgram.core.model import Arrival

INSERT = """
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],
                       $6::bigint[], $7::text[], $8::bigint[], $9::bytea[], $10::bytea[],
                       $11::bigint[])
    AS g (event_id, bot_id, update_id, kind, chat_id, user_id, lane, received_at, body, digest,
          target_id)
), key AS (
  INSERT INTO seen (bot_id, update_id, digest, at)
  SELECT bot_id, update_id, digest, received_at FROM given
), kept AS (
  INSERT INTO event (event_id, bot_id, update_id, kind, chat_id, user_id, lane, received_at,
                     targets, body)
  SELECT event_id, bot_id, update_id, kind, chat_id, user_id, lane, received_at, 1, body FROM given
  RETURNING seq, event_id
)
INSERT INTO delivery (event_seq, target_id, priority, lane, due_at, created_at, state)
SELECT k.seq, g.target_id, 1, g.lane, g.received_at, g.received_at, 1
  FROM kept AS k JOIN given AS g ON g.event_id = k.event_id
"""


class Inserter:
    """Inserts over some connections, each one statement at a time."""

    def __init__(self, pool: asyncpg.Pool, together: int, at_once: int) -> None:
        self._pool = pool
        self._together = together
        self._at_once = at_once

    async def carry(self, order: Order) -> Spent:
        """Insert so many; see ``orders.obey``."""
        end = order.first + order.count
        starts = range(order.first, end, self._together)
        calls = (self._insert(range(n, min(n + self._together, end))) for n in starts)
        return Spent(order.count, enqueuing=await spread(self._at_once, calls))

    async def _insert(self, numbers: Sequence[int]) -> None:
        rows = [_values(arrival(number)) for number in numbers]
        await self._pool.execute(INSERT, *map(list, zip(*rows, strict=True)))


def _values(arrived: Arrival) -> tuple[object, ...]:
    event, [owed] = arrived.event, arrived.owed
    who = (event.chat_id, event.user_id, event.lane)
    what = (event.received_at, event.body, arrived.digest, owed.target_id)
    return (event.event_id, event.bot_id, event.update_id, event.kind, *who, *what)


async def main(url: str, together: str, connections: str) -> None:
    """Connect and serve."""
    many = int(connections)
    async with asyncpg.create_pool(url, min_size=many, max_size=many) as pool:
        await obey(Inserter(pool, int(together), many).carry)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
