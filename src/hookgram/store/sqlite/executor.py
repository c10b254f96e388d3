"""The one who writes: owns the connection that does, and carries out batches, one after another.

It knows nothing of its callers: a line brings it batches and takes back what became of them, be it
to the event loop of the same process or to another process.
"""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol, TypeAlias

import apsw

from hookgram.core.model import SECOND, Micros
from hookgram.errors import StoreBroken, StoreError, StoreUnavailable
from hookgram.store.sqlite.batch import Batches
from hookgram.store.sqlite.call import BETWEEN, Failure, Order, Result
from hookgram.store.sqlite.connection import Opening, open_writer
from hookgram.store.sqlite.file_system import Presence
from hookgram.store.sqlite.log import Log
from hookgram.store.sqlite.troubles import translated

CLOSED = "the store is closed"
WATCH: Micros = SECOND // 2
"""How often others' commits and the file's presence are looked for."""


class Batch(NamedTuple):
    """Orders that share a transaction, and its moment."""

    orders: list[Order]
    now: Micros


class Hello(NamedTuple):
    """What a process that is to be an executor is told first: of which file, for whom."""

    opening: Opening
    shard: str
    parent: int
    """The process to die with."""


class Done(NamedTuple):
    """What became of a batch's orders, in their order: a result for each caller."""

    results: list[list[Result]]


class Changed(NamedTuple):
    """Another connection has committed."""


class Ended(NamedTuple):
    """Nothing is carried out any more, and why."""

    refusal: StoreError


Told: TypeAlias = "Done | Changed | Ended"


class Line(Protocol):
    """The executor's end of the line to its callers."""

    def receive(self, timeout: float) -> Batch | None:
        """Wait for the next batch, or None at the end of all; TimeoutError after *timeout* s."""

    def tell(self, told: Told) -> None:
        """Tell the callers."""


class Executor:
    """Carries out what a line brings until it ends."""

    def __init__(self, opening: Opening, shard: str) -> None:
        """Open the file; raises as ``open_writer`` does."""
        self.db = open_writer(opening)
        self.log = Log(self.db, opening.busy_timeout, owner=opening.owner)
        self._batches = Batches(self.db, shard)
        self._presence = Presence(opening.path)
        self._version = self.db.pragma("data_version")
        self._looked_at = time.monotonic()

    def live(self, line: Line) -> None:
        """Carry out batches to the end of the line, then put the log away and close the file."""
        refusal: StoreError = StoreUnavailable(CLOSED)
        try:
            while self._turn(line):
                pass
            self.log.cut()
            self.db.close()
        except StoreBroken as broken:
            refusal = broken
        except Exception as bug:  # noqa: BLE001 - the edge: every caller is told
            refusal = StoreBroken(f"the store's writer failed: {bug!r}")
        finally:
            self.db.close(True)  # noqa: FBT003 - the library's own way to say: whatever happens
            line.tell(Ended(refusal))

    def _turn(self, line: Line) -> bool:
        """Carry out a batch, or look after the log; False when the store is to be closed."""
        try:
            batch = line.receive(WATCH / SECOND)
        except TimeoutError:
            self.log.at_rest()
        else:
            if batch is None:
                return False
            line.tell(Done(self._carry_out(batch)))
            self.log.after_commit()
        self._look_around(line)
        return True

    def _carry_out(self, batch: Batch) -> list[list[Result]]:
        chores = [order for order in batch.orders if order[0] == BETWEEN]
        if not chores:
            return self._batches.run(batch.orders, batch.now)
        orders = [order for order in batch.orders if order[0] != BETWEEN]
        results = iter(self._batches.run(orders, batch.now) if orders else ())
        return [self._do(order) if order[0] == BETWEEN else next(results) for order in batch.orders]

    def _do(self, chore: Order) -> list[Result]:
        """Do what is done between transactions."""
        try:
            result: Result = chore[1](self)
        except apsw.Error as error:
            trouble = translated(error)
            if isinstance(trouble, StoreBroken):
                raise trouble from error
            return [Failure(trouble)]
        return [result]

    def _look_around(self, line: Line) -> None:
        """Notice, twice a second, that others have committed, or that the file is gone."""
        now = time.monotonic()
        if now - self._looked_at >= WATCH / SECOND:
            self._looked_at = now
            self._presence.check()
            version = self.db.pragma("data_version")
            if version != self._version:
                self._version = version
                line.tell(Changed())


def at_rest(executor: Executor) -> None:
    """Copy the log's pages into the file, if they are many."""
    executor.log.at_rest()
