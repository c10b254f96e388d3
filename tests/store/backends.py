"""The stores that the laws are held against. Another one is one more entry of ``BACKENDS``."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from fakes.postgres import running
from hookgram.ports import Clock, Store
from hookgram.store.postgres import open_postgres
from hookgram.store.sqlite import open_sqlite


class Backend(Protocol):
    """An empty place for a store; each ``open`` is one replica on it, ``end`` clears it away."""

    def __init__(self, folder: Path) -> None: ...

    async def open(self, clock: Clock, shard: str = "main") -> Store: ...

    async def end(self) -> None: ...


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.db"

    async def open(self, clock: Clock, shard: str = "main") -> Store:
        return await open_sqlite(self.path, clock=clock, shard=shard)

    async def end(self) -> None:
        """The folder is the test's."""


class SqliteApart(Sqlite):
    """The same file, written by a process of its own."""

    async def open(self, clock: Clock, shard: str = "main") -> Store:
        return await open_sqlite(self.path, clock=clock, shard=shard, apart=True)


class Postgres:
    def __init__(self, folder: Path) -> None:
        self.name: str | None = None

    async def open(self, clock: Clock, shard: str = "main") -> Store:
        server = running()
        if self.name is None:
            self.name = await server.database()
        return await open_postgres(server.url(self.name), clock=clock, shard=shard)

    async def empty(self) -> str:
        """Make a database without a schema and return its URL."""
        self.name = await running().database(template="template0")
        return running().url(self.name)

    async def end(self) -> None:
        if self.name is not None:
            await running().drop(self.name)


BACKENDS: dict[str, type[Backend]] = {
    "sqlite": Sqlite,
    "sqlite-apart": SqliteApart,
    "postgres": Postgres,
}
