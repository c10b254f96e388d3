"""Where updates become durable (see ``ports.Inbox``): each function within one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.counters import Counter
from hookgram.core.model import UNPARSED, Acceptance, Offset
from hookgram.store.sqlite.lanes import owe
from hookgram.store.sqlite.rows import KIND, Coming
from hookgram.store.sqlite.transaction import Transaction, View


def accept(tx: Transaction, calls: Sequence[Sequence[Coming]]) -> list[list[Acceptance]]:
    """Keep each caller's events with their deliveries, unless their keys are known."""
    kept = iter(_accept(tx, [one for arrivals in calls for one in arrivals]))
    return [[next(kept) for _ in arrivals] for arrivals in calls]


def accept_polled(tx: Transaction, arrivals: Sequence[Coming], offset: Offset) -> list[Acceptance]:
    """Keep events with their deliveries, unless their keys are known, and where polling goes on."""
    kept = _accept(tx, arrivals)
    tx.write("keep_offset", {"bot_id": offset.bot_id, "next_id": offset.next_id})
    return kept


def next_id(view: View, bot_id: int) -> int | None:
    """Tell the update id that polling asks for next."""
    row = view.row("offset", {"bot_id": bot_id})
    return row[0] if row else None


def _accept(tx: Transaction, arrivals: Sequence[Coming]) -> list[Acceptance]:
    fresh = _unseen(tx, arrivals)
    events = [event for event, _, _ in fresh.values()]
    seqs = dict(zip(fresh, tx.insert_many("insert_event", events), strict=True))
    owe(tx, [(seqs[at], owed, None) for at, (_, _, debts) in fresh.items() for owed in debts])
    _count(tx, len(arrivals), [*fresh.values()])
    return [seqs.get(place) for place in range(len(arrivals))]


def _unseen(tx: Transaction, arrivals: Sequence[Coming]) -> dict[int, Coming]:
    """Note the keys of the arrivals; return those whose key is new, by their places."""
    first = {key: place for place, (_, key, _) in reversed([*enumerate(arrivals)])}
    for known in tx.each("known", [*first]):
        del first[known]
    tx.each("see", [(*key, tx.now) for key in first])
    return {place: arrivals[place] for place in sorted(first.values())}


def _count(tx: Transaction, arrived: int, fresh: Sequence[Coming]) -> None:
    counted = {
        Counter.ACCEPTED: len(fresh),
        Counter.DUPLICATE: arrived - len(fresh),
        Counter.UNROUTED: sum(not owed for _, _, owed in fresh),
        Counter.UNPARSED: sum(event[KIND] == UNPARSED for event, _, _ in fresh),
    }
    for counter, times in counted.items():
        if times:
            tx.count(counter, times=times)


def refuse(tx: Transaction, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
    """Count a refused update and remember its chat."""
    tx.write(
        "refuse", {"bot_id": bot_id, "chat_id": chat_id, "chat_kind": chat_kind, "now": tx.now}
    )
    tx.count(Counter.NOT_AUTHORIZED)
