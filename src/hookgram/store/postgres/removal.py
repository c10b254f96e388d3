"""What a step of the sweep will remove, reckoned row by row, removed by three statements."""

from __future__ import annotations

from collections.abc import Collection

from hookgram.core.model import Micros
from hookgram.store.postgres.transaction import Transaction, columns

MOST = 501
"""Deliveries of one event that are looked at: more than a step removes."""


class Removal:
    """Collects what goes. *left* rows may; an event's last two may overdraw it."""

    def __init__(self, left: int, settled_by: Micros) -> None:
        self.left = left
        self._settled_by = settled_by
        self._held: set[int] = set()
        self._keepers: dict[int, set[int]] = {}
        self._attempts: dict[int, int] = {}
        self._rows: dict[int, list[int]] = {}
        self._gone: set[int] = set()
        self._deliveries: list[int] = []
        self._portions: list[tuple[int, int]] = []
        self._events: list[int] = []

    async def look_at(self, tx: Transaction, seqs: Collection[int], *, wait: bool = False) -> None:
        """Lock these events and read, afterwards, what keeps them and what belongs to them.

        Those that somebody else holds are passed by, or with *wait* waited for.
        """
        if not seqs:
            return
        locking = "lock_events" if wait else "hold_events"
        held = [row[0] for row in await tx.rows(locking, seqs=sorted(seqs))]
        self._held.update(held)
        for row in await tx.rows("keepers", seqs=held, cutoff=self._settled_by):
            self._keepers[row[0]] = set(row[1])
        for seq, delivery_id, attempts in await tx.rows("rows_of", seqs=held, limit=MOST):
            rows = self._rows.setdefault(seq, [])
            if delivery_id not in self._attempts:
                rows.append(delivery_id)
            self._attempts[delivery_id] = attempts

    def holds(self, seq: int) -> bool:
        """Tell whether the event is ours to remove now."""
        return seq in self._held

    def kept(self, seq: int, delivery_id: int) -> bool:
        """Tell whether any delivery but the one named keeps the event, or somebody holds it."""
        keepers = self._keepers.get(seq, set()) - {delivery_id} - self._gone
        return bool(keepers) or not self.holds(seq)

    def event(self, seq: int, delivery_id: int) -> int | None:
        """Remove an event with all its deliveries; None when there is no room for the end of it.

        *delivery_id* goes last, so that an event cut half-way is found by it again. Returns 0 if
        the event went already, in this step, with another delivery of it.
        """
        if seq in self._events:
            return 0
        others = [each for each in self._rows.get(seq, []) if each != delivery_id]
        for each in [*others, delivery_id]:
            if not self.delivery(each):
                return None
        self._events.append(seq)
        self.left -= 1
        return 1

    def delivery(self, delivery_id: int) -> bool:
        """Remove a delivery with its attempts; False when there was no room for all of it."""
        if delivery_id in self._gone:
            return True
        if self.left <= 0:
            return False
        attempts = min(self._attempts.get(delivery_id, 0), self.left)
        if attempts:
            self._portions.append((delivery_id, attempts))
            self._attempts[delivery_id] -= attempts
            self.left -= attempts
        if self.left <= 0:
            return False
        self._deliveries.append(delivery_id)
        self._gone.add(delivery_id)
        self.left -= 1
        return True

    def bare(self, seq: int) -> None:
        """Remove the event if no delivery of it is left."""
        if all(each in self._gone for each in self._rows.get(seq, [])):
            self._events.append(seq)
            self.left -= 1

    async def carry_out(self, tx: Transaction) -> None:
        """Delete it all."""
        if self._portions:
            await tx.rows("delete_attempts", **columns(list(self._portions), ("ids", "portions")))
        if self._deliveries:
            await tx.rows("delete_deliveries", ids=sorted(self._deliveries))
        if self._events:
            await tx.rows("delete_events", seqs=sorted(self._events))
