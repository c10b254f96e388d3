"""One file, two processes: who makes it, who changes its schema, who takes over what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hookgram.core.model import MINUTE
from hookgram.core.role import Role
from hookgram.errors import SchemaMismatch, StoreInUse, StoreUnavailable
from hookgram.store import opening
from hookgram.store.migrations import Migration
from hookgram.store.sqlite import TAKING, connection, hold
from store.makers import HandClock, claim_one, owe, register


@asynccontextmanager
async def opened(path: Path, role: Role):
    async with AsyncExitStack() as stack:
        yield (await opening.open_file(path, role, HandClock(), stack))[0]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 0.0)
    monkeypatch.setattr(opening, "LOCK_PATIENCE", 0.0)


async def test_who_takes_updates_waits_for_the_store_and_makes_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    looked = asyncio.Event()
    look = opening.journal

    @asynccontextmanager
    async def looking(*where: Any) -> AsyncIterator[Any]:
        try:
            async with look(*where) as journal:
                yield journal
        finally:
            looked.set()

    monkeypatch.setattr(opening, "journal", looking)
    waiting = asyncio.create_task(_open_and_register(path, Role.INGEST))
    await looked.wait()
    assert not path.exists()
    async with opened(path, Role.WORKER):
        assert await waiting == ["shop"]


async def _open_and_register(path: Path, role: Role) -> list[str]:
    async with opened(path, role) as store:
        return [target.name for target in await register(store, "shop")]


@pytest.mark.usefixtures("impatient")
async def test_no_store_that_comes_to_be_is_told_with_what_to_start(path: Path):
    with pytest.raises(StoreUnavailable, match="serve --role worker"):
        async with opened(path, Role.INGEST):
            pass
    assert not path.exists()


@pytest.mark.usefixtures("impatient")
async def test_the_schema_is_not_changed_under_a_process_that_works_with_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with opened(path, Role.ALL):
        pass
    number = len(connection.MIGRATIONS) + 1
    newer = Migration(number=number, name="newer", sql="CREATE TABLE newer (x)")
    monkeypatch.setattr(connection, "MIGRATIONS", (*connection.MIGRATIONS, newer))
    with pytest.raises(SchemaMismatch, match="brings the schema up to date"):
        async with opened(path, Role.INGEST):
            pass
    with hold(path, TAKING), pytest.raises(StoreInUse, match="another version"):
        async with opened(path, Role.WORKER):
            pass
    async with opened(path, Role.WORKER), opened(path, Role.INGEST):
        pass


async def test_each_takes_over_what_its_predecessor_had_and_nothing_of_the_other(path: Path):
    async with opened(path, Role.WORKER) as worker:
        async with opened(path, Role.INGEST) as ingest:
            [shop] = await register(ingest, "shop")
            await owe(ingest, shop)
            await claim_one(worker, shop)
            duty = await ingest.take_duty("polling/1", "one", MINUTE)
            assert duty is not None
        async with opened(path, Role.INGEST) as ingest:
            assert await worker.claim_lapsed(limit=1, lease=MINUTE) == []
            duty = await ingest.take_duty("polling/1", "two", MINUTE)
            assert duty is not None
    async with opened(path, Role.INGEST) as ingest:
        duty = await ingest.take_duty("polling/1", "three", MINUTE)
        assert duty is not None
        async with opened(path, Role.WORKER) as worker:
            assert len(await worker.claim_lapsed(limit=1, lease=MINUTE)) == 1
            assert await ingest.renew_duty(duty, MINUTE)
