"""One task that writes, over one connection: the calls of a kind that wait together go together.

A call that fails, fails alone: then each of the batch is tried by itself. What a cancelled caller
leaves is carried out all the same, and what it claimed is given back. When the connection breaks,
those under way hear StoreUnavailable, although their commit may just have come through: accepting
again finds the key, settling again finds the lease gone.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from hookgram.core.model import Micros
from hookgram.errors import StoreBroken, StoreError, StoreUnavailable
from hookgram.ports import Clock
from hookgram.store.postgres.call import Call, Kind, Unfinished, again
from hookgram.store.postgres.connection import Link
from hookgram.store.postgres.transaction import (
    COMMIT,
    ROLLBACK,
    START,
    START_RELAXED,
    STATEMENT,
    Single,
    Transaction,
    View,
)
from hookgram.store.postgres.troubles import cuts, passes, translated

A = TypeVar("A")
T = TypeVar("T")

CLOSED = "the store is closed"
BATCH = 20.0
"""Seconds for all of a batch; then its connection is given up."""
TRIES = 4
"""How often a batch is run that the server rolls back in another's favour."""


class Writer:
    """Owns a link from ``start`` to ``close``. *deadline*: seconds a caller waits at most."""

    def __init__(self, link: Link, clock: Clock | None, shard: str, deadline: float) -> None:
        self._link = link
        self._given = clock
        self._ahead: Micros = 0
        self._shard = shard
        self._deadline = deadline
        self._waiting: deque[Call[Any, Any]] = deque()
        self._arrived = asyncio.Event()
        self._refusal: StoreError | None = None
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.pages = 0
        """How often we changed the book of targets ourselves."""

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._live(), name="store-writer")

    async def call(
        self,
        kind: Kind[A, T],
        item: A,
        *,
        undo: Callable[[T], Sequence[Call[Any, Any]]] | None = None,
    ) -> T:
        """Return what *kind* made of *item* once it is committed, or raise what it raised.

        If the caller is cancelled, the calls that *undo* returns are carried out on a result that
        nobody took.
        """
        if self._refusal is not None:
            raise again(self._refusal)
        if self._closing:
            raise StoreUnavailable(CLOSED)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        call = Call(kind, item, undo=undo, future=future)
        self._put(call)
        try:
            async with asyncio.timeout(self._deadline):
                return await future
        except asyncio.CancelledError:
            self._leave(call)
            raise
        except TimeoutError as error:
            self._leave(call)
            raise StoreUnavailable("PostgreSQL did not answer in time") from error

    def _leave(self, call: Call[Any, Any]) -> None:
        """Take back what came in the very turn of the loop in which the caller left."""
        future = call.future
        if future is not None and not future.cancelled() and future.exception() is None:
            self._take_back(call)

    def _put(self, *calls: Call[Any, Any]) -> None:
        self._waiting.extend(calls)
        self._arrived.set()

    async def close(self) -> None:
        """Carry out what waits and end. Later calls raise StoreUnavailable."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _live(self) -> None:
        refusal: StoreError = StoreUnavailable(CLOSED)
        batch: list[Call[Any, Any]] = []
        try:
            while batch := await self._gather():
                await self._carry_out(batch)
        except StoreBroken as broken:
            refusal = broken
        except Exception as bug:  # noqa: BLE001 - the task's edge: every caller is told
            refusal = StoreBroken(f"the store's writer failed: {bug!r}")
        finally:
            self._refusal = refusal
            for call in [*batch, *self._waiting]:
                call.answer(refusal)
            await self._link.close()

    async def _gather(self) -> list[Call[Any, Any]]:
        """Wait for work and take what goes together with the first; nothing when closing."""
        while not self._waiting:
            if self._closing:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        # Those whom the last batch woke have their turn: what they ask next goes with this one.
        # In a second turn the loop notices that a connection has ended, before it is used.
        for _ in range(2):
            await asyncio.sleep(0)
        kind = self._waiting[0].kind
        taken: list[Call[Any, Any]] = []
        left: deque[Call[Any, Any]] = deque()
        named: set[object] = set()
        for call in self._waiting:
            name = kind.apart(call.item) if kind.apart and call.kind is kind else object()
            if call.kind is kind and len(taken) < kind.together and name not in named:
                taken.append(call)
                named.add(name)
            else:
                left.append(call)
        self._waiting = left
        return taken

    async def _carry_out(self, batch: Sequence[Call[Any, Any]]) -> None:
        try:
            async with asyncio.timeout(BATCH):
                await self._insist(batch)
        except TimeoutError as error:
            self._link.drop()
            _fail(batch, translated(error))
        self._hand_back(batch)

    async def _insist(self, batch: Sequence[Call[Any, Any]]) -> None:
        """Run the batch, again where the server asks for that; alone what cannot go together."""
        for left in reversed(range(TRIES)):
            try:
                await self._run(batch)
            except Exception as error:  # noqa: BLE001 - sorted out here, told to the callers
                if passes(error) and left:
                    await asyncio.sleep(random.uniform(0.001, 0.05))  # noqa: S311 - to part them
                    continue
                await self._sort_out(batch, error)
            return

    async def _sort_out(self, batch: Sequence[Call[Any, Any]], error: Exception) -> None:
        trouble = translated(error)
        if isinstance(trouble, StoreBroken):
            raise trouble
        if len(batch) == 1 or isinstance(trouble, StoreUnavailable):
            _fail(batch, trouble)
            return
        for call in batch:
            await self._insist([call])

    async def _run(self, batch: Sequence[Call[Any, Any]]) -> None:
        kind = batch[0].kind
        items = [call.item for call in batch]
        db = await self._link.open()
        if self._link.takes_single() and kind.single:
            results = await self._run_single(db, kind, items)
        else:
            results = await self._run_whole(kind, items)
        for call, result in zip(batch, results, strict=True):
            call.result, call.error = result, None

    async def _run_single(self, db: Any, kind: Kind[Any, Any], items: Sequence[Any]) -> Any:
        """Run what is one statement: the server begins and commits by itself."""
        view = Single(db, self._given() if self._given is not None else None, self._shard)
        try:
            results = await kind.work(view, items)
        except BaseException as error:
            if not isinstance(error, Exception) or cuts(error):
                self._link.drop()
            raise
        if view.told is not None:
            self._learn(view.told)
        return results

    async def _run_whole(self, kind: Kind[Any, Any], items: Sequence[Any]) -> Any:
        sql = START if kind.durable else START_RELAXED
        db = await self._link.start(sql, deadline=STATEMENT)
        try:
            tx = Transaction(db, await self._now(db), self._shard)
            results = await kind.work(tx, items)
            await tx.write_counts()
            await _commit(db)
        except BaseException as error:
            await self._roll_back(db, error)
            raise
        self.pages += tx.pages
        return results

    async def _now(self, db: Any) -> int:
        if self._given is not None:
            return self._given()
        [row] = await View(db).rows("now")
        self._learn(int(row[0]))
        return int(row[0])

    def _learn(self, now: Micros) -> None:
        # Read after the answer: so we are a little behind the server, never ahead of it.
        self._ahead = now - time.time_ns() // 1_000

    def clock(self) -> Micros:
        """Tell the server's time by our own clock and how far it was ahead of it."""
        return self._given() if self._given is not None else time.time_ns() // 1_000 + self._ahead

    async def _roll_back(self, db: Any, error: BaseException) -> None:
        if not isinstance(error, Exception) or cuts(error):
            self._link.drop()
            return
        try:
            await db.execute(ROLLBACK, timeout=STATEMENT)
        except Exception:  # noqa: BLE001 - then the connection's end does it
            self._link.drop()

    def _hand_back(self, batch: Sequence[Call[Any, Any]]) -> None:
        for call in batch:
            if call.error is None and isinstance(call.result, Unfinished):
                going_on = call.result
                self._put(Call(going_on.kind, going_on.item, undo=call.undo, future=call.future))
                continue
            if call.future is not None and call.future.cancelled():
                self._take_back(call)
            call.answer()

    def _take_back(self, call: Call[Any, Any]) -> None:
        # Should this fail, the lease of what was claimed ends by itself.
        if call.undo is not None and call.error is None and call.result is not None:
            with suppress(StoreError):
                self._put(*call.undo(call.result))


async def _commit(db: Any) -> None:
    """Commit; a transaction that had failed before is rolled back without an error by then."""
    if await db.execute(COMMIT, timeout=STATEMENT) != COMMIT:
        raise StoreUnavailable("PostgreSQL rolled the transaction back")


def _fail(batch: Sequence[Call[Any, Any]], error: Exception) -> None:
    """Give every call of the batch an error of its own."""
    for call in batch:
        call.error = again(error) if isinstance(error, StoreError) else error
