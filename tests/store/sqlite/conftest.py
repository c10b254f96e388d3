"""What only the SQLite store promises: its file, its log, its threads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from hookgram.store.sqlite import SqliteStore, open_sqlite
from store.makers import HandClock

OpenSqlite: TypeAlias = Callable[..., Awaitable[SqliteStore]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
async def open_file(path: Path, clock: HandClock) -> AsyncIterator[OpenSqlite]:
    opened: list[SqliteStore] = []

    async def open_one(**options: object) -> SqliteStore:
        opened.append(await open_sqlite(path, clock=clock, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()
