"""The stores that the laws are held against. Another one is one more entry of ``BACKENDS``."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hookgram.ports import Clock, Store
from hookgram.store.sqlite import open_sqlite


class Backend(Protocol):
    """An empty place for a store; each ``open`` is one replica on it."""

    def __init__(self, folder: Path) -> None: ...

    async def open(self, clock: Clock, shard: str = "main") -> Store: ...


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.db"

    async def open(self, clock: Clock, shard: str = "main") -> Store:
        return await open_sqlite(self.path, clock=clock, shard=shard)


BACKENDS: dict[str, type[Backend]] = {"sqlite": Sqlite}
