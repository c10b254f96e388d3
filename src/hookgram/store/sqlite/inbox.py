"""Where updates become durable (see ``ports.Inbox``): each function within one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.counters import Counter
from hookgram.core.model import UNPARSED, Acceptance, Arrival, Offset
from hookgram.store.sqlite.lanes import owe
from hookgram.store.sqlite.rows import event_values, key_values
from hookgram.store.sqlite.transaction import Transaction, View, listed

DUPLICATE = Acceptance(None)


def accept(tx: Transaction, calls: Sequence[Sequence[Arrival]]) -> list[list[Acceptance]]:
    """Keep each caller's events with their deliveries, unless their keys are known."""
    acceptances = iter(_accept(tx, [arrival for arrivals in calls for arrival in arrivals]))
    return [[next(acceptances) for _ in arrivals] for arrivals in calls]


def accept_polled(tx: Transaction, arrivals: Sequence[Arrival], offset: Offset) -> list[Acceptance]:
    """Keep events with their deliveries, unless their keys are known, and where polling goes on."""
    accepted = _accept(tx, arrivals)
    tx.write("keep_offset", {"bot_id": offset.bot_id, "next_id": offset.next_id})
    return accepted


def next_id(view: View, bot_id: int) -> int | None:
    """Tell the update id that polling asks for next."""
    row = view.row("offset", {"bot_id": bot_id})
    return row[0] if row else None


def _accept(tx: Transaction, arrivals: Sequence[Arrival]) -> list[Acceptance]:
    fresh = _unseen(tx, arrivals)
    events = [event_values(arrival.event, len(arrival.owed)) for arrival in fresh.values()]
    seqs = dict(zip(fresh, tx.insert_many("insert_event", events), strict=True))
    owe(tx, [(seqs[place], owed, None) for place, one in fresh.items() for owed in one.owed])
    _count(tx, arrivals, fresh)
    return [
        Acceptance(seqs[place]) if place in seqs else DUPLICATE for place in range(len(arrivals))
    ]


def _unseen(tx: Transaction, arrivals: Sequence[Arrival]) -> dict[int, Arrival]:
    """Note the keys of the arrivals; return those whose key is new, by their places."""
    keys = [key_values(arrival) for arrival in arrivals]
    known = {place for (place,) in tx.rows("known", {"keys": listed(keys)})}
    first = {key: place for place, key in reversed([*enumerate(keys)]) if place not in known}
    tx.write("see", {"keys": listed([*first]), "now": tx.now})
    return {place: arrivals[place] for place in sorted(first.values())}


def _count(tx: Transaction, arrivals: Sequence[Arrival], fresh: dict[int, Arrival]) -> None:
    counted = {
        Counter.ACCEPTED: len(fresh),
        Counter.DUPLICATE: len(arrivals) - len(fresh),
        Counter.UNROUTED: sum(not arrival.owed for arrival in fresh.values()),
        Counter.UNPARSED: sum(arrival.event.kind == UNPARSED for arrival in fresh.values()),
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
