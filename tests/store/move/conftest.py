"""A file full of everything, and a database with nothing at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.postgres import running
from hookgram.store.sqlite import move as leaving_sqlite
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock
from store.moving import fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    name = await running().database(template="template0")
    yield running().url(name)
    await running().drop(name)


@pytest.fixture
async def filled(path: Path, clock: HandClock) -> Path:
    """A store with everything in it that there can be."""
    store = await open_sqlite(path, clock=clock)
    await fill(store, clock)
    await store.close()
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parcels of three rows, so that there are many."""
    monkeypatch.setattr(leaving_sqlite, "MOST_ROWS", 3)
