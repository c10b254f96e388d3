"""Collects facts, so that tests wait for what happened instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from hookgram.core.facts import Fact

F = TypeVar("F", bound=Fact)


class Facts:
    """A ``Notice`` that remembers what it was told."""

    def __init__(self) -> None:
        self.all: list[Fact] = []
        self._told = asyncio.Event()

    def __call__(self, fact: Fact) -> None:
        self.all.append(fact)
        self._told.set()

    def of(self, kind: type[F], where: Callable[[F], Any] = lambda _: True) -> list[F]:
        """Return the facts of a kind so far."""
        return [fact for fact in self.all if isinstance(fact, kind) and where(fact)]

    async def wait(
        self,
        kind: type[F],
        *,
        count: int = 1,
        where: Callable[[F], Any] = lambda _: True,
        deadline: float = 5.0,
    ) -> list[F]:
        """Wait until so many facts of a kind have happened and return them."""
        async with asyncio.timeout(deadline):
            while len(found := self.of(kind, where)) < count:
                self._told.clear()
                await self._told.wait()
        return found
