"""What callers ask of the writer, and what comes back.

Orders and results are plain values: they cross to a thread, or as bytes to a process. So whatever
is asked of a writer in a process of its own is a function of a module, with arguments that pickle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from hookgram.errors import StoreError
from hookgram.store.sqlite.transaction import Transaction

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


# How an order is carried out. Plain numbers: they are looked at several times for every event.

ALONE = 0
"""Its work is run within the batch's transaction."""
TOGETHER = 1
"""Its item is one of those that the shared work is run for, once."""
BETWEEN = 2
"""Its chore is done between two transactions; it is given the executor."""

Order: TypeAlias = "tuple[int, Callable[..., Any], Any]"
"""How it is carried out, what to run, and the item of shared work."""

Result: TypeAlias = "tuple[Any, Exception | None]"
"""What an order returned, or why it failed."""


class Call(Generic[T]):
    """One caller's order on its way, and the caller."""

    __slots__ = ("future", "order", "undo")

    def __init__(
        self, order: Order, undo: Undo[T] | None = None, future: asyncio.Future[T] | None = None
    ) -> None:
        self.order = order
        self.undo = undo
        self.future = future

    def answer(self, result: T | None, error: Exception | None) -> None:
        """Tell the caller how it went, unless nobody waits any more."""
        if self.future is None or self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)  # type: ignore[arg-type]  # None where T is


def again(error: StoreError) -> StoreError:
    """Make a fresh exception of the same kind and words: one is raised only once."""
    return type(error)(*error.args)
