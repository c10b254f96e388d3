"""A caller's work on its way through the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar, cast

import apsw

from hookgram.errors import StoreBroken, StoreError
from hookgram.store.sqlite.transaction import Transaction
from hookgram.store.sqlite.troubles import translated

T = TypeVar("T")
A = TypeVar("A")


class Unfinished(Generic[T]):
    """What a work returns that goes on in a transaction of its own, until one returns a result."""

    def __init__(self, work: Work[T]) -> None:
        self.work = work


Work: TypeAlias = "Callable[[Transaction], T | Unfinished[T]]"
"""A port's function with its arguments. It may be run twice: a first run can be rolled back."""

Shared: TypeAlias = "Callable[[Transaction, Sequence[A]], Sequence[T]]"
"""A port's function for the arguments of several callers at once; one result for each of them."""

Undo: TypeAlias = "Callable[[Transaction, T], None]"
"""Takes back a result that nobody took."""


class Call(Generic[T]):
    """One caller's work on its way through the writer."""

    __slots__ = ("error", "future", "result", "undo", "work")

    def __init__(
        self,
        work: Work[T],
        undo: Undo[T] | None = None,
        future: asyncio.Future[T] | None = None,
    ) -> None:
        self.work = work
        self.future = future
        self.undo = undo
        self.result: T | Unfinished[T] | None = None
        self.error: Exception | None = None

    def run(self, tx: Transaction) -> bool:
        """Run within *tx*, keeping the result or the error; tells whether it succeeded."""
        self.error = None
        try:
            self.result = self.work(tx)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this caller's alone
            self.error = translated(error)
        return self.error is None

    def answer(self, refusal: StoreError | None = None) -> None:
        """Tell the caller, on the event loop, how it went; or why it was not done at all."""
        if self.future is None or self.future.cancelled():
            return
        error = self.error if refusal is None else again(refusal)
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(cast("T", self.result))


class Part(Call[T], Generic[A, T]):
    """One caller's part of work that is done for all who wait with the same *shared* at once."""

    __slots__ = ("item", "shared")

    def __init__(self, shared: Shared[A, T], item: A) -> None:
        super().__init__(self._alone)
        self.shared = shared
        self.item = item

    def _alone(self, tx: Transaction) -> T:
        [result] = self.shared(tx, [self.item])
        return result


def run_together(parts: Sequence[Part[A, T]], tx: Transaction) -> bool:
    """Run parts of the same work within *tx*; False, without anybody's error, if that failed.

    Whose error it was, each one's own run will tell.
    """
    try:
        results = parts[0].shared(tx, [part.item for part in parts])
    except Exception as error:
        for part in parts:
            part.error = None
        if isinstance(translated(error), StoreBroken):
            raise
        return False
    for part, result in zip(parts, results, strict=True):
        part.result, part.error = result, None
    return True


class Chore(Call[T]):
    """Work that is done between transactions, and not in one."""

    def __init__(self, chore: Callable[[], T]) -> None:
        super().__init__(lambda _: chore())
        self._chore = chore

    def do(self) -> None:
        """Do it; raises StoreBroken when the store cannot be trusted any more."""
        try:
            self.result = self._chore()
        except apsw.Error as error:
            self.error = translated(error)
        if isinstance(self.error, StoreBroken):
            raise self.error


def again(error: StoreError) -> StoreError:
    """Make a fresh exception of the same kind and words: one is raised only once."""
    return type(error)(*error.args)
