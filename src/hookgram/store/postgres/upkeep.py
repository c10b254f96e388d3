"""What is old enough goes, a bounded step at a time (see ``ports.Upkeep``).

An event is looked at when one of its deliveries has been settled long enough. If another delivery
of it is unsettled, dead or too young, the event stays, and the later end of that one brings it up
again; so the sweep moves on and does not walk over it each time. Several replicas may sweep at the
same time: an event that another holds is passed by.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from hookgram.core.model import DAY, Forgotten, Micros
from hookgram.store.postgres.call import Kind
from hookgram.store.postgres.removal import Removal
from hookgram.store.postgres.transaction import Row, Transaction

STEP = 500
"""The most rows one step removes, and the most it looks at."""
SEEN_SHARE, REFUSED_SHARE, UNROUTED_SHARE, DEAD_SHARE = 160, 20, 100, 80
"""The most rows of a step for each kind, so that none waits for ever behind another."""
REFUSED_KEPT = 10_000
"""How many refused chats are remembered."""


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


class Step(Struct, frozen=True, kw_only=True):
    """One step of the sweep: from where, and how long things are kept."""

    place: Place
    retention: Micros
    dead_retention: Micros
    dedup: Micros


async def forget(tx: Transaction, calls: Sequence[Step]) -> list[tuple[Forgotten, Place]]:
    """Remove at most a step's worth of rows; also returns where the next step goes on."""
    return [await _forget(tx, step) for step in calls]


async def _forget(tx: Transaction, step: Step) -> tuple[Forgotten, Place]:
    settled_by = tx.now - step.retention
    seen, refused, unrouted = await _forget_rows(tx, tx.now - step.dedup, settled_by)
    removal = Removal(STEP - 2 - seen - refused - unrouted - DEAD_SHARE, settled_by)
    place = step.place.at(tx.now)
    settled, place, more = await _forget_settled(tx, place, settled_by, removal)
    removal.left += DEAD_SHARE
    cutoff = tx.now - step.dead_retention
    dead, freed, dead_more = await _forget_dead(tx, cutoff, removal)
    await removal.carry_out(tx)
    full = seen == SEEN_SHARE or refused == REFUSED_SHARE or unrouted == UNROUTED_SHARE
    forgotten = Forgotten(
        events=unrouted + settled + freed, dead=dead, seen=seen, more=full or more or dead_more
    )
    return forgotten, place


async def _forget_rows(
    tx: Transaction, dedup_by: Micros, settled_by: Micros
) -> tuple[int, int, int]:
    seen = await tx.rows("forget_seen", cutoff=dedup_by, limit=SEEN_SHARE)
    refused = await tx.rows("forget_refused_chats", kept=REFUSED_KEPT, limit=REFUSED_SHARE)
    unrouted = await tx.rows("forget_unrouted", cutoff=settled_by, limit=UNROUTED_SHARE)
    return len(seen), len(refused), len(unrouted)


async def _forget_settled(
    tx: Transaction, place: Place, cutoff: Micros, removal: Removal
) -> tuple[int, Place, bool]:
    events = 0
    candidates = await _ended_since(tx, place, cutoff)
    await removal.look_at(tx, {row[1] for row in candidates})
    for delivery_id, event_seq, ended_at in candidates:
        if not removal.kept(event_seq, delivery_id):
            outcome = removal.event(event_seq, delivery_id)
            if outcome is None:
                return events, place, True
            events += outcome
        if ended_at < tx.now:  # others may yet end at this very moment
            place = replace(place, ended_at=ended_at, delivery_id=delivery_id)
    return events, place, len(candidates) == STEP


async def _ended_since(tx: Transaction, place: Place, cutoff: Micros) -> list[Row]:
    start = {"ended_at": place.ended_at, "id": place.delivery_id}
    return await tx.rows("old_ended", cutoff=cutoff, limit=STEP, **start)


async def _forget_dead(tx: Transaction, cutoff: Micros, removal: Removal) -> tuple[int, int, bool]:
    dead = events = 0
    limit = max(removal.left, 0)
    rows = await tx.rows("old_dead", cutoff=cutoff, limit=limit)
    await removal.look_at(tx, {row[1] for row in rows})
    for delivery_id, event_seq, target_id in rows:
        if not removal.holds(event_seq):
            continue
        kept = removal.kept(event_seq, delivery_id)
        if kept:
            gone = removal.delivery(delivery_id)
        else:
            gone = removal.event(event_seq, delivery_id) is not None
        if not gone:
            return dead, events, True
        tx.count("purged", target_id)
        dead += 1
        events += not kept
    return dead, events, len(rows) == limit


async def probe(tx: Transaction, calls: Sequence[None]) -> list[None]:
    """Leave something small to commit."""
    await tx.rows("probe", shard=tx.shard, now=tx.now)
    return [None for _ in calls]


FORGET = Kind(forget)
PROBE = Kind(probe)
