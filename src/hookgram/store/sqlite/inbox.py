"""Where updates become durable (see ``ports.Inbox``): each function within one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.counters import Counter
from hookgram.core.model import UNPARSED, Acceptance, Arrival
from hookgram.store.sqlite.lanes import owe
from hookgram.store.sqlite.rows import NO_UPDATE_ID, event_values
from hookgram.store.sqlite.transaction import Transaction


def accept(tx: Transaction, arrivals: Sequence[Arrival]) -> list[Acceptance]:
    """Keep each event with its deliveries, unless its key is known."""
    return [_accept_one(tx, arrival) for arrival in arrivals]


def _accept_one(tx: Transaction, arrival: Arrival) -> Acceptance:
    event = arrival.event
    key = {
        "bot_id": event.bot_id,
        "update_id": NO_UPDATE_ID if event.update_id is None else event.update_id,
        "digest": arrival.digest,
        "now": tx.now,
    }
    if not tx.write("see", key):
        tx.count(Counter.DUPLICATE)
        return Acceptance(None)
    seq = tx.insert("insert_event", event_values(event, len(arrival.owed)))
    for owed in arrival.owed:
        owe(tx, seq, owed)
    tx.count(Counter.ACCEPTED)
    if not arrival.owed:
        tx.count(Counter.UNROUTED)
    if event.kind == UNPARSED:
        tx.count(Counter.UNPARSED)
    return Acceptance(seq)


def refuse(tx: Transaction, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
    """Count a refused update and remember its chat."""
    tx.write(
        "refuse", {"bot_id": bot_id, "chat_id": chat_id, "chat_kind": chat_kind, "now": tx.now}
    )
    tx.count(Counter.NOT_AUTHORIZED)
