"""A caller's work on its way to the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, cast

from hookgram.errors import StoreError

A = TypeVar("A")
T = TypeVar("T")


class Unfinished(Generic[T]):
    """What a work returns that goes on in a transaction of its own, until one returns a result."""

    def __init__(self, kind: Kind[Any, T], item: Any) -> None:
        self.kind = kind
        self.item = item


Work: TypeAlias = "Callable[[Any, Sequence[A]], Awaitable[Sequence[T | Unfinished[T]]]]"
"""A port's function over all that share a transaction; it may be run twice: a first run can be
rolled back."""


class Kind(Generic[A, T]):
    """What a port's call does, and how calls of its kind go together.

    *together*: how many share a transaction at most. *apart* tells what must not come twice in
    one. *durable*: whether the answer must be on stable storage; where it need not, a crash of the
    server may take back the last moments, in order. *single*: it is one call of a function of the
    schema, which says itself what it needs of that, and a transaction by itself.
    """

    def __init__(
        self,
        work: Work[A, T],
        *,
        together: int = 1,
        durable: bool = True,
        single: bool = False,
        apart: Callable[[A], object] | None = None,
    ) -> None:
        self.work = work
        self.together = together
        self.durable = durable
        self.single = single
        self.apart = apart


class Call(Generic[A, T]):
    """One caller's work."""

    __slots__ = ("error", "future", "item", "kind", "result", "undo")

    def __init__(
        self,
        kind: Kind[A, T],
        item: A,
        *,
        undo: Callable[[T], Sequence[Call[Any, Any]]] | None = None,
        future: asyncio.Future[T] | None = None,
    ) -> None:
        self.kind = kind
        self.item = item
        self.undo = undo
        self.future = future
        self.result: T | Unfinished[T] | None = None
        self.error: Exception | None = None

    def answer(self, refusal: StoreError | None = None) -> None:
        """Tell the caller how it went; or why it was not done at all."""
        if self.future is None or self.future.done():
            return
        error = self.error if refusal is None else again(refusal)
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(cast("T", self.result))


def again(error: StoreError) -> StoreError:
    """Make a fresh exception of the same kind and words: one is raised only once."""
    return type(error)(*error.args)
