"""An inbox that keeps nothing durable and can be told to fail, and facts that tests wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from hookgram.core.facts import Fact
from hookgram.core.model import Acceptance, Arrival, Offset

F = TypeVar("F", bound=Fact)
DEADLINE = 10.0


class RecordingInbox:
    """Remembers what it accepted. ``trouble`` is raised instead; ``gate`` holds commits up."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.refused: list[tuple[int, int, str | None]] = []
        self.offsets: list[Offset] = []
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()
        self._keys: set[tuple[int, int | None, bytes]] = set()

    @property
    def bodies(self) -> list[bytes]:
        return [arrival.event.body for arrival in self.arrivals]

    def accept(
        self, arrivals: Sequence[Arrival], *, offset: Offset | None = None
    ) -> asyncio.Future[list[Acceptance]]:
        self.reached.set()
        return asyncio.ensure_future(self._keep(arrivals, offset))

    async def _keep(self, arrivals: Sequence[Arrival], offset: Offset | None) -> list[Acceptance]:
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        self.offsets += [offset] if offset is not None else []
        return [self._accept(arrival) for arrival in arrivals]

    def _accept(self, arrival: Arrival) -> Acceptance:
        key = (arrival.event.bot_id, arrival.event.update_id, arrival.digest)
        if key in self._keys:
            return None
        self._keys.add(key)
        self.arrivals.append(arrival)
        return len(self.arrivals)

    async def refuse(self, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.refused.append((bot_id, chat_id, chat_kind))


class Facts:
    """What was noticed, in order. It is a ``Notice``."""

    def __init__(self) -> None:
        self.seen: list[Fact] = []
        self._news = asyncio.Event()

    def __call__(self, fact: Fact) -> None:
        self.seen.append(fact)
        self._news.set()

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.seen if isinstance(fact, kind)]

    async def until(self, kind: type[F], count: int = 1) -> list[F]:
        """Wait until so many facts of a kind were noticed."""
        async with asyncio.timeout(DEADLINE):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)
