"""What callers ask of the writer, and what comes back.

Orders and results are plain values: they cross to a thread, or as bytes to a process. So whatever
is asked of a writer in a process of its own is a function of a module, with arguments that pickle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct

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
"""Its work is run within the batch's transaction, once for the items of all callers."""
BETWEEN = 2
"""Its chore is done between two transactions; it is given the executor."""

Order: TypeAlias = "tuple[int, Callable[..., Any], Sequence[Any]]"
"""How it is carried out, what to run, and an item for each caller, None where it takes none."""


class Failure(NamedTuple):
    """What comes back in place of a value."""

    error: Exception


Result: TypeAlias = Any
"""What came of what one caller asked: a value, or a Failure."""


class Call(Struct, Generic[T], eq=False):
    """What one caller asks, on its way, and the caller."""

    manner: int
    work: Callable[..., Any]
    item: Any = None
    undo: Undo[T] | None = None
    future: asyncio.Future[T] | None = None

    def answer(self, result: T | Failure) -> bool:
        """Tell the caller how it went; return false if it was cancelled before."""
        future = self.future
        if future is None:
            return True
        if future.done():
            return not future.cancelled()
        if isinstance(result, Failure):
            future.set_exception(result.error)
        else:
            future.set_result(result)
        return True


def grouped(calls: Sequence[Call[Any]]) -> list[list[Call[Any]]]:
    """Put those with the same shared work together; everything else stays by itself."""
    groups: dict[object, list[Call[Any]]] = {}
    for call in calls:
        groups.setdefault(call.work if call.manner == TOGETHER else call, []).append(call)
    return list(groups.values())


def ordered(group: Sequence[Call[Any]]) -> Order:
    """Write the order of a group."""
    return group[0].manner, group[0].work, [call.item for call in group]


def again(error: StoreError) -> StoreError:
    """Make a fresh exception of the same kind and words: one is raised only once."""
    return type(error)(*error.args)
