"""Group commit: orders that wait together share one transaction; one that fails, fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from hookgram.core.model import Micros
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.store.sqlite.call import TOGETHER, Order, Result
from hookgram.store.sqlite.transaction import SQL, Transaction
from hookgram.store.sqlite.troubles import translated


class Job:
    """One order of a batch, and how it went."""

    __slots__ = ("error", "item", "manner", "result", "work")

    def __init__(self, order: Order) -> None:
        self.manner, self.work, self.item = order
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, tx: Transaction) -> bool:
        """Run within *tx*, keeping the result or the error; tells whether it succeeded."""
        self.error = None
        try:
            if self.manner == TOGETHER:
                [self.result] = self.work(tx, [self.item])
            else:
                self.result = self.work(tx)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this caller's alone
            self.error = translated(error)
        if isinstance(self.error, StoreBroken):
            raise self.error  # never tried again: what failed once may seem to succeed next
        return self.error is None

    def run_with(self, others: Sequence[Job], tx: Transaction) -> bool:
        """Run the same shared work for all at once; False, without anybody's error, if it failed.

        Whose error it was, each one's own run will tell.
        """
        try:
            results = self.work(tx, [job.item for job in (self, *others)])
        except Exception as error:
            if isinstance(translated(error), StoreBroken):
                raise
            return False
        for job, result in zip((self, *others), results, strict=True):
            job.result = result
        return True


class Batches:
    """Runs batches of orders on the one connection that writes."""

    def __init__(self, db: apsw.Connection, shard: str) -> None:
        self._db = db
        self._shard = shard
        self._now = 0

    def run(self, orders: Sequence[Order], now: Micros) -> list[Result]:
        """Run *orders* in one transaction, at the moment *now*, and return how each went.

        Raises StoreBroken when the store cannot be trusted any more.
        """
        self._now = now
        jobs = [Job(order) for order in orders]
        self._run(jobs)
        return [(job.result, job.error) for job in jobs]

    def _run(self, jobs: Sequence[Job]) -> None:
        try:
            if not self._together(jobs) and len(jobs) > 1:
                self._apart(jobs)
        except apsw.Error as error:
            trouble = translated(error)
            if not isinstance(trouble, StoreUnavailable):
                raise StoreBroken(str(trouble)) from error
            _fail(jobs, str(trouble))
        finally:
            self._rollback()

    def _together(self, jobs: Sequence[Job]) -> bool:
        """Run without fences, which is cheaper; False, with nothing changed, if a job failed."""
        tx = self._begin()
        if all(_run_all(alike, tx) for alike in _grouped(jobs)):
            self._commit(tx)
            return True
        self._rollback()
        return False

    def _apart(self, jobs: Sequence[Job]) -> None:
        """Run each behind a fence, so that one that fails takes back only what it did itself."""
        tx = self._begin()
        for job in jobs:
            counts = tx.counts.copy()
            self._db.execute(SQL["fence"])
            done = job.run(tx)
            if not self._db.in_transaction:
                self._alone([other for other in jobs if other.error is None])
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
            self._run([job])

    def _begin(self) -> Transaction:
        self._db.execute(SQL["begin"])
        return Transaction(self._db, self._now)

    def _commit(self, tx: Transaction) -> None:
        tx.write_counts(self._shard)
        self._db.execute(SQL["commit"])

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute(SQL["rollback"])


def _grouped(jobs: Sequence[Job]) -> list[list[Job]]:
    """Put those with the same shared work together; everything else stays by itself."""
    groups: dict[object, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.work if job.manner == TOGETHER else job, []).append(job)
    return list(groups.values())


def _run_all(alike: Sequence[Job], tx: Transaction) -> bool:
    first, *others = alike
    return first.run_with(others, tx) if others else first.run(tx)


def _fail(jobs: Sequence[Job], reason: str) -> None:
    """Give every job that has no error of its own the batch's."""
    for job in jobs:
        if job.error is None:
            job.error = StoreUnavailable(reason)
