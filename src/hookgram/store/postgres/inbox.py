"""Where updates become durable (see ``ports.Inbox``): functions over a transaction's calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hookgram.core.model import UNPARSED, Acceptance, Arrival, Offset
from hookgram.store.postgres.call import Kind
from hookgram.store.postgres.lanes import due_of, hold_targets, owe
from hookgram.store.postgres.rows import EVENT, NO_UPDATE_ID, event_values, written
from hookgram.store.postgres.transaction import Transaction, View, columns

REFUSED = "refused.not_authorized"
"""The counter of updates that the access rules refused."""

Key = tuple[int, int, bytes]
Stranger = tuple[int, int, str | None]


async def accept(tx: Transaction, calls: Sequence[Sequence[Arrival]]) -> list[list[Acceptance]]:
    """Keep each event with its deliveries, unless its key is known."""
    arrivals = [arrival for call in calls for arrival in call]
    if not arrivals:
        return [[] for _ in calls]
    targets = {owed.target_id for arrival in arrivals for owed in arrival.owed}
    gone = await hold_targets(tx, targets) if targets else set()
    new = await _see(tx, arrivals)
    fresh = [arrival for arrival, is_new in zip(arrivals, new, strict=True) if is_new]
    seqs = iter(await _insert(tx, fresh, gone))
    answers = iter([Acceptance(next(seqs) if is_new else None) for is_new in new])
    return [[next(answers) for _ in call] for call in calls]


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


async def _see(tx: Transaction, arrivals: Sequence[Arrival]) -> list[bool]:
    """Remember the keys; tell of each arrival whether it is the first of its key."""
    keys = [_key(arrival) for arrival in arrivals]
    rows = await tx.rows("see", now=tx.now, **columns(list(keys), ("bots", "updates", "digests")))
    unseen = {(row[0], row[1], row[2]) for row in rows}
    first = []
    for key in keys:
        first.append(key in unseen)
        unseen.discard(key)
        if not first[-1]:
            tx.count("duplicate")
    return first


def _key(arrival: Arrival) -> Key:
    update_id = arrival.event.update_id
    number = NO_UPDATE_ID if update_id is None else update_id
    return arrival.event.bot_id, number, arrival.digest


async def _insert(tx: Transaction, arrivals: Sequence[Arrival], gone: set[int]) -> list[int]:
    if not arrivals:
        return []
    rows = [event_values(arrival.event, len(arrival.owed)) for arrival in arrivals]
    made = await tx.rows("insert_events", **columns(rows, EVENT))
    seqs = sorted(row[0] for row in made)
    dues = []
    for arrival, seq in zip(arrivals, seqs, strict=True):
        dues += [due_of(owed, seq, tx.now) for owed in arrival.owed]
        _count(tx, arrival)
    await owe(tx, dues, gone)
    return seqs


def _count(tx: Transaction, arrival: Arrival) -> None:
    tx.count("accepted")
    if not arrival.owed:
        tx.count("unrouted")
    if arrival.event.kind == UNPARSED:
        tx.count("unparsed")


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


ACCEPT = Kind(accept, together=512)
ACCEPT_POLLED = Kind(accept_polled)
REFUSE = Kind(refuse, together=512, durable=False)
