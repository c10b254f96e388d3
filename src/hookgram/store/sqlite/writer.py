"""What callers ask of the one who writes, gathered into batches.

Callers' orders wait on the event loop while a batch is under way, which the executor commits
together and hands back at once. Those it wakes have their turn before the next one leaves, so that
what they ask next shares a commit: under load, batches grow and commits become few. Many callers
are parted in two halves that take turns, so that the one asks while the other's batch is written.
Deadlines are the callers' own: a call that is cancelled is carried out all the same, and what it
claimed is given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, Protocol, TypeVar

from hookgram.errors import StoreBroken, StoreError, StoreUnavailable
from hookgram.ports import Clock
from hookgram.store.sqlite.call import (
    ALONE,
    BETWEEN,
    TOGETHER,
    Call,
    Failure,
    Result,
    Shared,
    Undo,
    Unfinished,
    Work,
    again,
    grouped,
    ordered,
)
from hookgram.store.sqlite.executor import CLOSED, Batch, Changed, Done, Ended, Executor, Told
from hookgram.store.sqlite.transaction import Transaction

T = TypeVar("T")
A = TypeVar("A")

BATCH = 512
"""The most calls that share a transaction."""
FEW = 16
"""As many always leave together."""
CLOSING = 15.0
"""Seconds that the last batches and the last checkpoint may take."""


class Line(Protocol):
    """The callers' end of the line to the executor."""

    def start(self, told: Callable[[Told], None]) -> None:
        """Begin; what the executor tells is given to *told*, on the event loop."""

    def send(self, batch: Batch) -> None:
        """Have the batch carried out after those sent before."""

    def end(self) -> None:
        """Have the executor close the file when all that was sent is done."""

    def kill(self) -> None:
        """Wait for it no longer; it is told as ended."""

    async def ended(self) -> None:
        """Wait until nothing is left of it, after it has told that it ended or never began."""


class Writer:
    """Gathers orders and hands back what became of them, until it is closed."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._waiting: list[Call[Any]] = []
        self._under_way: list[list[Call[Any]]] = []
        self._leaving = False
        self._answered = 0
        self._listeners: list[Callable[[], None]] = []
        self._refusal: StoreError | None = None
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        line.start(self._told)

    async def call(self, work: Work[T], *, undo: Undo[T] | None = None) -> T:
        """Return what *work* returned once it is on stable storage, or raise what it raised.

        If the caller is cancelled, *undo* is run on a result that nobody took.
        """
        return await self._wait_for(Call(ALONE, work, undo=undo))

    def share(self, shared: Shared[A, T], item: A) -> asyncio.Future[T]:
        """Have what *shared* makes of *item*; those who ask together share its one run.

        No coroutine, for it is asked twice for every delivery; nothing is undone for who leaves.
        """
        return self._asked(Call(TOGETHER, shared, item))

    async def between(self, chore: Callable[[Executor], T]) -> T:
        """Have the executor do *chore* between two transactions."""
        return await self._wait_for(Call(BETWEEN, chore))

    def _asked(self, call: Call[T], *, last: bool = False) -> asyncio.Future[T]:
        if self._refusal is not None:
            raise again(self._refusal)
        if self._closing and not last:
            raise StoreUnavailable(CLOSED)
        future: asyncio.Future[T] = self._loop.create_future()
        call.future = future
        self._put(call)
        return future

    async def _wait_for(self, call: Call[T], *, last: bool = False) -> T:
        future = self._asked(call, last=last)
        try:
            return await future
        except asyncio.CancelledError:
            # The result may have come in the very turn of the loop in which the caller left.
            if not future.cancelled() and future.exception() is None:
                self._take_back(call, future.result())
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
        """Give the executor the next batch: those whose turn it is of those that ask."""
        self._leaving = False
        half = _half(len(self._waiting), self._answered)
        leaving, self._waiting = self._waiting[:half], self._waiting[half:]
        self._answered = len(leaving)
        self._under_way = grouped(leaving)
        try:
            self._line.send(Batch([ordered(group) for group in self._under_way], self._clock()))
        except Exception as bug:  # noqa: BLE001 - nobody may wait for what never left
            self._end(StoreBroken(f"the store's writer failed: {bug!r}"))
            self._line.kill()

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called on the loop soon after another connection's commit."""
        self._listeners.append(changed)

    async def close(self) -> None:
        """Carry out what waits, put the log away and end the executor.

        Raises StoreBroken if just that fails, or takes too long; what was committed is in the log
        all the same.
        """
        broken = self._refusal
        if not self._closing:
            self._closing = True
            try:
                async with asyncio.timeout(CLOSING):
                    await self._finish()
            except TimeoutError:
                self._line.kill()
        await asyncio.shield(self._ended)
        await self._line.ended()
        if broken is None and isinstance(self._refusal, StoreBroken):
            raise again(self._refusal)

    async def _finish(self) -> None:
        try:
            await self._calm_down()
        finally:
            self._line.end()
        await asyncio.shield(self._ended)

    async def _calm_down(self) -> None:
        """Wait until all that was asked is done; what is taken back until then is done too."""
        with suppress(StoreError):  # there is nothing to write, so nothing is lost
            await self._wait_for(_idle(), last=True)
            while self._waiting or self._under_way:
                await self._wait_for(_idle(), last=True)

    def _told(self, told: Told) -> None:
        match told:
            case Done(results):
                self._hand_back(results)
            case Changed():
                for changed in self._listeners:
                    changed()
            case Ended(refusal):
                self._end(refusal)

    def _hand_back(self, results: Sequence[Sequence[Result]]) -> None:
        groups, self._under_way = self._under_way, []
        for group, given in zip(groups, results, strict=True):
            for call, result in zip(group, given, strict=True):
                self._hand(call, result)
        self._go_on()

    def _hand(self, call: Call[Any], result: Result) -> None:
        if isinstance(result, Unfinished):
            self._put(Call(ALONE, result.work, undo=call.undo, future=call.future))
        elif not call.answer(result) and not isinstance(result, Failure):
            self._take_back(call, result)

    def _take_back(self, call: Call[T], result: T) -> None:
        # Should this fail, the lease of what was claimed ends by itself.
        if call.undo is not None:
            work = partial(_undone, undo=call.undo, result=result)
            self._put(Call(ALONE, work))

    def _end(self, refusal: StoreError) -> None:
        if self._ended.done():
            return
        # Whatever was asked before this line ran is in the lists, whatever comes after is refused.
        self._refusal = refusal
        for call in [*chain.from_iterable(self._under_way), *self._waiting]:
            call.answer(Failure(again(refusal)))
        self._ended.set_result(None)


def _half(waiting: int, answered: int) -> int:
    """Tell how many of those *waiting* leave, when as many as *answered* may ask again soon.

    Half of all, for else a few keep the others waiting, and are then kept waiting by them: what one
    half asks next is read while the other half's batch is written.
    """
    return min(max((waiting + answered + 1) // 2, FEW), BATCH)


def _undone(tx: Transaction, undo: Undo[T], result: T) -> None:
    undo(tx, result)


def _idle() -> Call[None]:
    """Ask for nothing: its turn comes when all before it are done."""
    return Call(ALONE, _nothing)


def _nothing(_: Transaction) -> None:
    """Write nothing."""
