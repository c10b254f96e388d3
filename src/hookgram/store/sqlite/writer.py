"""The one thread that writes.

Callers' work waits on the event loop while a batch is under way; then all of it is the next batch,
which the thread commits together and hands back at once. Those it wakes have their turn before the
next one leaves, so that what they ask next shares a commit: under load, batches grow and commits
become few. Deadlines are the callers' own: a call that is cancelled is carried out all the same,
and what it claimed is given back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import apsw

from hookgram.core.model import SECOND, Micros
from hookgram.errors import StoreBroken, StoreError, StoreUnavailable
from hookgram.store.sqlite.batch import Batches
from hookgram.store.sqlite.call import (
    Call,
    Chore,
    Part,
    Shared,
    Undo,
    Unfinished,
    Work,
    again,
)
from hookgram.store.sqlite.file_system import Presence
from hookgram.store.sqlite.log import Log
from hookgram.store.sqlite.transaction import Transaction

T = TypeVar("T")
A = TypeVar("A")

BATCH = 512
"""The most calls that share a transaction."""
CLOSED = "the store is closed"


class Writer:
    """Owns the connection that writes, from ``start`` to ``close``."""

    def __init__(
        self,
        db: apsw.Connection,
        batches: Batches,
        log: Log,
        *,
        presence: Presence,
        watch: Micros = SECOND // 2,
    ) -> None:
        self._db = db
        self._batches = batches
        self._log = log
        self._presence = presence
        self._watch = watch / SECOND
        self._waiting: list[Call[Any]] = []
        self._under_way: list[Call[Any]] = []
        self._leaving = False
        self._queue: SimpleQueue[list[Call[Any]] | None] = SimpleQueue()
        self._listeners: list[Callable[[], None]] = []
        self._refusal: StoreError | None = None
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._version = db.pragma("data_version")
        self._watched_at = time.monotonic()
        self._thread = threading.Thread(target=self._live, name="store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    # On the event loop ------------------------------------------------------------------------

    async def call(self, work: Work[T], *, undo: Undo[T] | None = None) -> T:
        """Return what *work* returned once it is on stable storage, or raise what it raised.

        If the caller is cancelled, *undo* is run on a result that nobody took.
        """
        return await self._wait_for(Call(work, undo))

    async def share(self, shared: Shared[A, T], item: A) -> T:
        """Return what *shared* made of *item*; those who wait together share its one run."""
        return await self._wait_for(Part(shared, item))

    async def between(self, chore: Callable[[], T]) -> T:
        """Run *chore* in the thread, between two transactions."""
        return await self._wait_for(Chore(chore))

    async def _wait_for(self, call: Call[T], *, last: bool = False) -> T:
        if self._refusal is not None:
            raise again(self._refusal)
        if self._closing and not last:
            raise StoreUnavailable(CLOSED)
        future: asyncio.Future[T] = self._loop.create_future()
        call.future = future
        self._put(call)
        try:
            return await future
        except asyncio.CancelledError:
            # The result may have come in the very turn of the loop in which the caller left.
            if not future.cancelled() and future.exception() is None:
                self._take_back(call)
            raise

    def _put(self, call: Call[Any]) -> None:
        self._waiting.append(call)
        self._go_on()

    def _go_on(self) -> None:
        """Have what waits leave when all that is woken already has had its turn."""
        if self._waiting and not self._under_way and not self._leaving:
            self._leaving = True
            self._loop.call_soon(self._leave)

    def _leave(self) -> None:
        """Give the thread all that waits."""
        self._leaving = False
        self._under_way, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._queue.put(self._under_way)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called on the loop soon after another connection's commit."""
        self._listeners.append(changed)

    async def close(self) -> None:
        """Carry out what waits, put the log away and end the thread.

        Raises StoreBroken if just that fails; what was committed is in the log all the same.
        """
        broken = self._refusal
        if not self._closing:
            self._closing = True
            try:
                await self._calm_down()
            finally:
                self._queue.put(None)
        await asyncio.shield(self._ended)
        if broken is None and isinstance(self._refusal, StoreBroken):
            raise again(self._refusal)

    async def _calm_down(self) -> None:
        """Wait until all that was asked is done; what is taken back until then is done too."""
        with suppress(StoreError):  # there is nothing to write, so nothing is lost
            await self._wait_for(Call(_nothing), last=True)
            while self._waiting or self._under_way:
                await self._wait_for(Call(_nothing), last=True)

    def _hand_back(self, calls: Sequence[Call[Any]]) -> None:
        self._under_way = []
        for call in calls:
            if call.error is None and isinstance(call.result, Unfinished):
                self._put(Call(call.result.work, call.undo, call.future))
                continue
            if call.future is not None and call.future.cancelled():
                self._take_back(call)
            call.answer()
        self._go_on()

    def _take_back(self, call: Call[Any]) -> None:
        # Should this fail, the lease of what was claimed ends by itself.
        undo, result = call.undo, call.result
        if undo is not None and call.error is None:
            self._put(Call(lambda tx: undo(tx, result)))

    def _notify(self) -> None:
        for changed in self._listeners:
            changed()

    def _end(self, refusal: StoreError) -> None:
        # Whatever was asked before this line ran is in the lists, whatever comes after is refused.
        self._refusal = refusal
        for call in [*self._under_way, *self._waiting]:
            call.answer(refusal)
        self._ended.set_result(None)

    # In the thread ----------------------------------------------------------------------------

    def _live(self) -> None:
        refusal: StoreError = StoreUnavailable(CLOSED)
        try:
            while self._turn():
                pass
            self._log.cut()
            self._db.close()
        except StoreBroken as broken:
            refusal = broken
        except Exception as bug:  # noqa: BLE001 - the thread's edge: every caller is told
            refusal = StoreBroken(f"the store's writer failed: {bug!r}")
        finally:
            self._db.close(True)  # noqa: FBT003 - the library's own way to say: whatever happens
            self._tell(self._end, refusal)

    def _turn(self) -> bool:
        """Commit a batch, or look after the log; False when the store is to be closed."""
        try:
            calls = self._queue.get(timeout=self._watch)
        except Empty:
            calls = []
        if calls:
            self._carry_out(calls)
            self._log.after_commit()
        elif calls is not None:
            self._log.at_rest()
        self._look_around()
        return calls is not None

    def _carry_out(self, calls: Sequence[Call[Any]]) -> None:
        shared = [call for call in calls if not isinstance(call, Chore)]
        if shared:
            self._batches.run(shared)
        for call in calls:
            if isinstance(call, Chore):
                call.do()
        self._tell(self._hand_back, calls)

    def _look_around(self) -> None:
        """Notice, twice a second, that others have committed, or that the file is gone."""
        now = time.monotonic()
        if now - self._watched_at >= self._watch:
            self._watched_at = now
            self._presence.check()
            version = self._db.pragma("data_version")
            if version != self._version:
                self._version = version
                self._tell(self._notify)

    def _tell(self, act: Callable[..., None], *values: Any) -> None:
        # When the loop is closed already, nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act, *values)


def _nothing(_: Transaction) -> None:
    """Write nothing: its turn comes when all before it are done."""
