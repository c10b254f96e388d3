"""Group commit: calls that wait together share one transaction; one that fails, fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.ports import Clock
from hookgram.store.sqlite.call import Call, Part, run_together
from hookgram.store.sqlite.transaction import SQL, Transaction
from hookgram.store.sqlite.troubles import translated


class Batches:
    """Runs batches of calls on the one connection that writes."""

    def __init__(self, db: apsw.Connection, clock: Clock, shard: str) -> None:
        self._db = db
        self._clock = clock
        self._shard = shard

    def run(self, calls: Sequence[Call[Any]]) -> None:
        """Run *calls* in one transaction; each has its result or its error when this returns.

        Raises StoreBroken when the store cannot be trusted any more.
        """
        try:
            if not self._together(calls) and len(calls) > 1:
                self._apart(calls)
        except apsw.Error as error:
            trouble = translated(error)
            if not isinstance(trouble, StoreUnavailable):
                raise StoreBroken(str(trouble)) from error
            _fail(calls, str(trouble))
        finally:
            self._rollback()

    def _together(self, calls: Sequence[Call[Any]]) -> bool:
        """Run without fences, which is cheaper; False, with nothing changed, if a call failed."""
        tx = self._begin()
        if all(_run_all(alike, tx) for alike in _grouped(calls)):
            self._commit(tx)
            return True
        self._rollback()
        return False

    def _apart(self, calls: Sequence[Call[Any]]) -> None:
        """Run each behind a fence, so that one that fails takes back only what it did itself."""
        tx = self._begin()
        for call in calls:
            counts = tx.counts.copy()
            self._db.execute(SQL["fence"])
            done = _run(call, tx)
            if not self._db.in_transaction:
                self._alone([other for other in calls if other.error is None])
                return
            if not done:
                tx.counts = counts
                self._db.execute(SQL["undo_call"])
            self._db.execute(SQL["unfence"])
        self._commit(tx)

    def _alone(self, calls: Sequence[Call[Any]]) -> None:
        """Run each in a transaction of its own: a full store takes back the fences' too.

        What needs no room, such as most settlements, succeeds, and so the store drains.
        """
        for call in calls:
            self.run([call])

    def _begin(self) -> Transaction:
        self._db.execute(SQL["begin"])
        return Transaction(self._db, self._clock())

    def _commit(self, tx: Transaction) -> None:
        tx.write_counts(self._shard)
        self._db.execute(SQL["commit"])

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute(SQL["rollback"])


def _grouped(calls: Sequence[Call[Any]]) -> list[list[Call[Any]]]:
    """Put the parts of the same work together; everything else stays by itself."""
    groups: dict[object, list[Call[Any]]] = {}
    for call in calls:
        key = call.shared if isinstance(call, Part) else call
        groups.setdefault(key, []).append(call)
    return list(groups.values())


def _run_all(alike: Sequence[Call[Any]], tx: Transaction) -> bool:
    if len(alike) == 1:
        return _run(alike[0], tx)
    return run_together([part for part in alike if isinstance(part, Part)], tx)


def _run(call: Call[Any], tx: Transaction) -> bool:
    done = call.run(tx)
    if isinstance(call.error, StoreBroken):
        raise call.error  # never tried again: what failed once may seem to succeed next
    return done


def _fail(calls: Sequence[Call[Any]], reason: str) -> None:
    """Give every call that has no error of its own the batch's."""
    for call in calls:
        if call.error is None:
            call.error = StoreUnavailable(reason)
