"""How far each target's due work has been taken, so that claims need not begin at the beginning.

What is settled stays in the index until it is vacuumed, and cannot go at all while somebody holds
an old snapshot; a claim from the start walks over all of it. So when a walk from the start took
long, claims begin for a while at the place that was reached. Nothing depends on it: what others put
back before that place is found by the next walk from the start, which is never far, and a claim
says that it must be looked again then.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hookgram.core.model import SECOND, Micros, Want
from hookgram.ports import Clock
from hookgram.store.postgres.transaction import Row

DEAR: Micros = SECOND // 200
"""A walk from the start that took longer is not repeated at once."""
REST = 10
"""How many times as long as it took it is not repeated."""
LONGEST: Micros = 2 * SECOND
MARGIN: Micros = 10 * SECOND
"""Work may be committed so long after the moment it is due from."""


class Cursor(Struct):
    """Before these moments nothing is due, by priority; believed until ``until``."""

    urgent: Micros = 0
    plain: Micros = 0
    until: Micros = 0


class Cursors:
    """The cursors of one store, by target. *clock* tells about when it is, for a first guess."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._cursors: dict[int, Cursor] = {}

    def at(self, target_id: int, now: Micros) -> Cursor:
        """Return where to begin at the moment *now*."""
        cursor = self._cursors.get(target_id)
        if cursor is None or not now < cursor.until <= now + LONGEST:
            return Cursor()
        return cursor

    def forget(self, target_id: int) -> None:
        """Begin at the beginning the next time."""
        self._cursors.pop(target_id, None)

    def back(self, target_id: int, due: Micros) -> None:
        """Take into account that work was put back which is due at *due*."""
        cursor = self._cursors.get(target_id)
        if cursor is not None:
            cursor.urgent = min(cursor.urgent, due)
            cursor.plain = min(cursor.plain, due)

    def forward(
        self, want: Want, began_at: Cursor, claimed: Sequence[Row], began: Micros, ended: Micros
    ) -> None:
        """Learn from a claim: what it took, and when it began and ended."""
        urgent = [row["due_at"] for row in claimed if row["priority"] == 0]
        plain = [row["due_at"] for row in claimed if row["priority"] != 0]
        room = want.limit - max(len(urgent), want.kept)
        until = began_at.until
        if not until and ended - began > DEAR:
            until = ended + min(REST * (ended - began), LONGEST)
        self._cursors[want.target_id] = Cursor(
            urgent=_reached(began_at.urgent, urgent, want.limit, began),
            plain=_reached(began_at.plain, plain, room, began),
            until=until,
        )


def _reached(before: Micros, due: Sequence[Micros], room: int, began: Micros) -> Micros:
    """Tell before which moment everything due was taken."""
    if room <= 0:
        return before
    last = max(due) if len(due) >= room else began
    return max(before, min(last, began - MARGIN))
