"""Group commit: orders that wait together share one transaction; one that fails, fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import apsw

from hookgram.core.model import Micros
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.store.sqlite.call import TOGETHER, Failure, Order, Result
from hookgram.store.sqlite.transaction import SQL, Transaction
from hookgram.store.sqlite.troubles import translated


class Job:
    """What one caller asks, run apart from what others ask, and how it went."""

    __slots__ = ("_order", "result")

    def __init__(self, order: Order) -> None:
        self._order = order
        self.result: Result = None

    @property
    def failed(self) -> bool:
        """Whether it came to nothing."""
        return isinstance(self.result, Failure)

    def run(self, tx: Transaction) -> bool:
        """Run within *tx*, keeping what came of it; tells whether it succeeded."""
        try:
            [self.result] = _run(self._order, tx)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this caller's alone
            self.result = Failure(translated(error))
        if not self.failed:
            return True
        if isinstance(self.result.error, StoreBroken):
            raise self.result.error  # never tried again: next time it may seem to succeed
        return False


class Batches:
    """Runs batches of orders on the one connection that writes."""

    def __init__(self, db: apsw.Connection, shard: str) -> None:
        self._db = db
        self._shard = shard
        self._now = 0

    def run(self, orders: Sequence[Order], now: Micros) -> list[list[Result]]:
        """Run *orders* in one transaction, at the moment *now*, and return how each went.

        Raises StoreBroken when the store cannot be trusted any more.
        """
        self._now = now
        try:
            results = self._together(orders)
        except apsw.Error as error:
            reason = _passing(error)
            results = [[_failed(reason) for _ in items] for _, _, items in orders]
        finally:
            self._rollback()
        return self._apart(orders) if results is None else results

    def _together(self, orders: Sequence[Order]) -> list[list[Result]] | None:
        """Run without fences, which is cheaper; None, with nothing changed, if one failed.

        Whose error it was, each one's own run will tell.
        """
        tx = self._begin()
        try:
            results = [_run(order, tx) for order in orders]
        except Exception as error:
            if isinstance(translated(error), StoreBroken):
                raise
            return None
        self._commit(tx)
        return results

    def _apart(self, orders: Sequence[Order]) -> list[list[Result]]:
        """Run what each caller asks by itself."""
        jobs = [[Job((manner, work, [item])) for item in items] for manner, work, items in orders]
        self._guard([*chain.from_iterable(jobs)], self._fenced)
        return [[job.result for job in of_order] for of_order in jobs]

    def _guard(self, jobs: Sequence[Job], run: Callable[[Sequence[Job]], None]) -> None:
        """Run jobs so that a transaction that fails as a whole is each one's failure."""
        try:
            run(jobs)
        except apsw.Error as error:
            reason = _passing(error)
            for job in jobs:
                if not job.failed:
                    job.result = _failed(reason)
        finally:
            self._rollback()

    def _fenced(self, jobs: Sequence[Job]) -> None:
        """Run each behind a fence, so that one that fails takes back only what it did itself."""
        tx = self._begin()
        for job in jobs:
            counts = tx.counts.copy()
            self._db.execute(SQL["fence"])
            done = job.run(tx)
            if not self._db.in_transaction:
                self._alone([other for other in jobs if not other.failed])
                return
            if not done:
                tx.counts = counts
                self._db.execute(SQL["undo_call"])
            self._db.execute(SQL["unfence"])
        self._commit(tx)

    def _alone(self, jobs: Sequence[Job]) -> None:
        """Run each in a transaction of its own: a full store takes back the fences' too.

        What needs no room, such as most settlements, succeeds, and so the store drains.
        """
        for job in jobs:
            self._guard([job], self._by_itself)

    def _by_itself(self, jobs: Sequence[Job]) -> None:
        tx = self._begin()
        if all(job.run(tx) for job in jobs):
            self._commit(tx)

    def _begin(self) -> Transaction:
        self._db.execute(SQL["begin"])
        return Transaction(self._db, self._now)

    def _commit(self, tx: Transaction) -> None:
        tx.write_counts(self._shard)
        self._db.execute(SQL["commit"])

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute(SQL["rollback"])


def _run(order: Order, tx: Transaction) -> list[Result]:
    """Carry out an order; returns as many results as it has items, or raises."""
    manner, work, items = order
    results = work(tx, items) if manner == TOGETHER else [work(tx)]
    if len(results) != len(items):
        raise ValueError(f"{len(results)} results of {len(items)} items")
    return list(results)


def _failed(reason: str) -> Failure:
    return Failure(StoreUnavailable(reason))


def _passing(error: apsw.Error) -> str:
    """Tell what passes. Raises StoreBroken for what does not."""
    trouble = translated(error)
    if not isinstance(trouble, StoreUnavailable):
        raise StoreBroken(str(trouble)) from error
    return str(trouble)
