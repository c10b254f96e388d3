"""Where updates become durable (see ``ports.Inbox``): functions over a transaction's calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import asyncpg

from hookgram.core.model import Acceptance, Arrival, Offset, Owed
from hookgram.errors import NotFound
from hookgram.store.postgres.call import Kind
from hookgram.store.postgres.rows import EVENT, OWED, event_values, written
from hookgram.store.postgres.transaction import Single, Transaction, View, columns

REFUSED = "refused.not_authorized"
"""The counter of updates that the access rules refused."""

Stranger = tuple[int, int, str | None]


async def accept(tx: Single, calls: Sequence[Sequence[Arrival]]) -> list[list[Acceptance]]:
    """Keep each event with its deliveries, unless its key is known."""
    arrivals = [arrival for call in calls for arrival in call]
    if not arrivals:
        return [[] for _ in calls]
    events = [(*event_values(one.event, len(one.owed)), one.digest) for one in arrivals]
    owing = [_owing(n, owed) for n, one in enumerate(arrivals, 1) for owed in one.owed]
    given = columns(events, EVENT) | columns(owing, OWED)
    try:
        [row] = await tx.rows("accept", at=tx.at, shard=tx.shard, **given)
    except asyncpg.NoDataFoundError as error:
        raise NotFound(str(error)) from error
    tx.told = row["began"]
    seqs = iter(row["seqs"])
    return [[next(seqs) for _ in call] for call in calls]


def _owing(number: int, owed: Owed) -> tuple[object, ...]:
    lane, dead = written(owed.lane), written(owed.dead)
    return number, owed.target_id, owed.priority, lane, owed.delay, dead


async def accept_polled(
    tx: Transaction, calls: Sequence[tuple[Sequence[Arrival], Offset]]
) -> list[list[Acceptance]]:
    """Keep events with their deliveries, unless their keys are known, and where polling goes on."""
    accepted = await accept(tx, [arrivals for arrivals, _ in calls])
    for _, offset in calls:
        await tx.rows("keep_offset", bot_id=offset.bot_id, next_id=offset.next_id)
    return accepted


async def next_id(view: View, bot_id: int) -> int | None:
    """Tell the update id that polling asks for next."""
    row = await view.row("offset", bot_id=bot_id)
    return row[0] if row else None


async def refuse(tx: Transaction, calls: Sequence[Stranger]) -> list[None]:
    """Count refused updates and remember their chats."""
    times: Counter[tuple[int, int]] = Counter()
    kinds: dict[tuple[int, int], str | None] = {}
    for bot_id, chat_id, kind in calls:
        times[bot_id, chat_id] += 1
        kinds[bot_id, chat_id] = kind or kinds.get((bot_id, chat_id))
    rows = [(*chat, written(kinds[chat]), number) for chat, number in times.items()]
    await tx.rows("refuse", now=tx.now, **columns(rows, ("bots", "chats", "kinds", "times")))
    tx.count(REFUSED, times=len(calls))
    return [None] * len(calls)


ACCEPT = Kind(accept, together=512, single=True)
ACCEPT_POLLED = Kind(accept_polled)
REFUSE = Kind(refuse, together=512, durable=False)
