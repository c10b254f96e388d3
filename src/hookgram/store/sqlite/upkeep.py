"""What is old enough goes, a bounded step at a time (see ``ports.Upkeep``).

An event is looked at when one of its deliveries has been settled long enough. If another delivery
of it is unsettled, dead or too young, the event stays, and the later end of that one brings it up
again; so the sweep moves on and does not walk over it each time.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from hookgram.core.counters import Counter
from hookgram.core.model import DAY, Forgotten, Micros
from hookgram.store.sqlite.transaction import Row, Transaction

STEP = 500
"""The most rows one step removes, and the most it looks at."""
SEEN_SHARE, REFUSED_SHARE, UNROUTED_SHARE, DEAD_SHARE = 160, 20, 100, 80
"""The most rows of a step for each kind, so that none waits for ever behind another."""
REFUSED_KEPT = 10_000
"""How many refused chats are remembered."""
ROOM = 16_384
"""Bytes a probe asks for and gives back."""


class Place(Struct, frozen=True):
    """How far the sweep over settled deliveries has come; lives as long as the process.

    The sweep begins anew once a day, and when the clock goes back: then what ends now would
    otherwise stand before the place.
    """

    ended_at: Micros = 0
    delivery_id: int = 0
    began: Micros = 0
    reached: Micros = 0

    def at(self, now: Micros) -> Place:
        """Return where a step at the moment *now* begins."""
        if now < self.reached or now - self.began > DAY:
            return Place(began=now, reached=now)
        return replace(self, reached=now)


class Allowance:
    """How many rows may still be removed. An event's last two may overdraw it."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def spend(self, rows: int) -> None:
        """Take off what was removed."""
        self.rows -= rows

    def spent(self) -> bool:
        """Tell whether nothing more may be removed."""
        return self.rows <= 0


def forget(
    tx: Transaction, place: Place, *, retention: Micros, dead_retention: Micros, dedup: Micros
) -> tuple[Forgotten, Place]:
    """Remove at most a step's worth of rows; also returns where the next step goes on."""
    settled_by = tx.now - retention
    seen = tx.write("forget_seen", {"cutoff": tx.now - dedup, "limit": SEEN_SHARE})
    refused = tx.write("forget_refused_chats", {"kept": REFUSED_KEPT, "limit": REFUSED_SHARE})
    unrouted = tx.write("forget_unrouted", {"cutoff": settled_by, "limit": UNROUTED_SHARE})
    left = Allowance(STEP - 2 - seen - refused - unrouted - DEAD_SHARE)
    settled, place, more = _forget_settled(tx, place.at(tx.now), settled_by, left)
    left.rows += DEAD_SHARE
    dead, freed, dead_more = _forget_dead(tx, tx.now - dead_retention, settled_by, left)
    full = seen == SEEN_SHARE or refused == REFUSED_SHARE or unrouted == UNROUTED_SHARE
    forgotten = Forgotten(
        events=unrouted + settled + freed, dead=dead, seen=seen, more=full or more or dead_more
    )
    return forgotten, place


def _forget_settled(
    tx: Transaction, place: Place, cutoff: Micros, left: Allowance
) -> tuple[int, Place, bool]:
    events = 0
    candidates = _ended_since(tx, place, cutoff)
    for delivery_id, event_seq, ended_at in candidates:
        if not _kept(tx, event_seq, delivery_id, cutoff):
            outcome = _forget_event(tx, event_seq, delivery_id, left)
            if outcome is None:
                return events, place, True
            events += outcome
        if ended_at < tx.now:  # others may yet end at this very moment, in this transaction
            place = replace(place, ended_at=ended_at, delivery_id=delivery_id)
    return events, place, len(candidates) == STEP


def _ended_since(tx: Transaction, place: Place, cutoff: Micros) -> list[Row]:
    values = {
        "ended_at": place.ended_at,
        "id": place.delivery_id,
        "cutoff": cutoff,
        "limit": STEP,
    }
    return tx.rows("old_ended", values)


def _forget_dead(
    tx: Transaction, cutoff: Micros, settled_by: Micros, left: Allowance
) -> tuple[int, int, bool]:
    dead = events = 0
    limit = max(left.rows, 0)
    rows = tx.rows("old_dead", {"cutoff": cutoff, "limit": limit})
    for delivery_id, event_seq, target_id in rows:
        kept = _kept(tx, event_seq, delivery_id, settled_by)
        if kept:
            gone = forget_delivery(tx, delivery_id, left)
        else:
            gone = _forget_event(tx, event_seq, delivery_id, left) is not None
        if not gone:
            return dead, events, True
        tx.count(Counter.PURGED, target_id)
        dead += 1
        events += not kept
    return dead, events, len(rows) == limit


def _kept(tx: Transaction, event_seq: int, delivery_id: int, cutoff: Micros) -> bool:
    """Tell whether any delivery but the one named keeps the event."""
    values = {"event_seq": event_seq, "id": delivery_id, "cutoff": cutoff}
    return tx.row("event_kept", values) is not None


def _forget_event(tx: Transaction, event_seq: int, delivery_id: int, left: Allowance) -> int | None:
    """Remove an event with all its deliveries; None when the allowance ran out before the end.

    *delivery_id* goes last, so that an event cut half-way is found by it again. Returns 0 if the
    event went already, in this step, with another delivery of it.
    """
    others = {"event_seq": event_seq, "id": delivery_id, "limit": STEP}
    for (sibling,) in tx.rows("siblings", others):
        if not forget_delivery(tx, sibling, left):
            return None
    if not forget_delivery(tx, delivery_id, left):
        return None
    gone = tx.write("delete_event", {"event_seq": event_seq})
    left.spend(gone)
    return gone


def forget_delivery(tx: Transaction, delivery_id: int, left: Allowance) -> bool:
    """Remove a delivery after its attempts; False when the allowance ran out before the end."""
    if left.spent():
        return False
    left.spend(tx.write("delete_attempts", {"id": delivery_id, "limit": left.rows}))
    if left.spent():
        return False
    left.spend(tx.write("delete_delivery", {"id": delivery_id}))
    return True


def probe(tx: Transaction) -> None:
    """Ask for room, give it back, and leave something small to commit."""
    tx.write("probe_room", {"now": tx.now, "size": ROOM})
    tx.write("probe", {"now": tx.now})
