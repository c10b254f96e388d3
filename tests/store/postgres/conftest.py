"""What only the PostgreSQL store promises: its server, its connections, its replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest

from fakes.postgres import running
from hookgram.store.postgres import PostgresStore, open_postgres
from store.makers import HandClock

OpenPostgres: TypeAlias = Callable[..., Awaitable[PostgresStore]]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A database with the schema and nothing in it."""
    name = await running().database()
    yield running().url(name)
    await running().drop(name)


@pytest.fixture
async def replica(url: str, clock: HandClock) -> AsyncIterator[OpenPostgres]:
    opened: list[PostgresStore] = []

    async def open_one(shard: str = "main", **options: object) -> PostgresStore:
        options.setdefault("clock", clock)
        address = options.pop("url", url)
        opened.append(await open_postgres(address, shard=shard, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()
