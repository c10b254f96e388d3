"""``open_store`` gives a way to open the store: opening it twice is two replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from fakes import former
from hookgram.core.definition import Target
from hookgram.ports import Store
from store.backends import BACKENDS, Backend
from store.makers import HandClock, register

OpenStore: TypeAlias = Callable[..., Awaitable[Store]]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The former version's source."""
    return former.unpack(tmp_path_factory.mktemp("former"))


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
async def open_store(backend: Backend, clock: HandClock) -> AsyncIterator[OpenStore]:
    opened: list[Store] = []

    async def open_one(shard: str = "main") -> Store:
        opened.append(await backend.open(clock, shard))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()
    await backend.end()


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()


@pytest.fixture
async def target(store: Store) -> Target:
    [only] = await register(store, "shop")
    return only
