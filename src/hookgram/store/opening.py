"""Opens the store that the settings choose, for the role that the process has on it.

A file has one process that delivers and one that takes updates; they may be the same. The one that
delivers makes the file and brings its schema up to date, but never under one that takes updates.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from hookgram.core.role import Role
from hookgram.errors import (
    SchemaMismatch,
    SettingsError,
    StoreInUse,
    StoreMissing,
    StoreUnavailable,
)
from hookgram.ports import Clock, Journal, MoveDestination, MoveSource, Store

if TYPE_CHECKING:
    from hookgram.store.postgres import PostgresJournal
    from hookgram.store.sqlite import SqliteJournal, SqliteStore

SHARDS = 64
"""The most counter rows for one thing: replicas come and go, their rows stay."""
NO_LIBRARY = (
    "QUEUE_BACKEND: postgres needs a library that is not here; install it with: "
    "pip install 'hookgram[postgres]'"
)
PATIENCE = 15.0
"""Seconds that who takes updates waits for the file to be made, or brought up to date."""
LOCK_PATIENCE = 2.0
"""Seconds that it waits for a lock that is held while somebody looks, or starts."""
LOOK_AGAIN = 0.1


async def open_file(
    path: Path, role: Role, clock: Clock, stack: AsyncExitStack
) -> tuple[Store, Clock]:
    """Open the file for a role, and take over at once what its predecessor had.

    *stack* closes it. Returns the store and its clock. Raises StoreInUse when another process has
    the role, StoreUnavailable or SchemaMismatch when no worker makes the store for who takes
    updates, and what opening raises.
    """
    store = await (_own(path, role, clock, stack) if role.delivers else _join(path, clock, stack))
    stack.push_async_callback(store.close)
    if role.delivers:
        await store.lapse_all()
    if role.takes:
        await store.lapse_duties()
    return store, clock


async def _own(path: Path, role: Role, clock: Clock, stack: AsyncExitStack) -> SqliteStore:
    """Open the file to deliver from it."""
    from hookgram.store.sqlite import TAKING, hold, open_sqlite  # noqa: PLC0415  (who needs it)

    stack.enter_context(hold(path))
    if role.takes:  # one process does it all: its writer gets a process, not only a thread
        stack.enter_context(hold(path, TAKING))
        return await open_sqlite(path, clock=clock, apart=processors() > 1)
    try:
        with hold(path, TAKING):
            return await open_sqlite(path, clock=clock)
    except StoreInUse:
        return await _own_beside(path, clock)


async def _own_beside(path: Path, clock: Clock) -> SqliteStore:
    """Open the file while a process takes updates into it, whose schema is left to it."""
    from hookgram.store.sqlite import open_sqlite  # noqa: PLC0415

    try:
        return await open_sqlite(path, clock=clock, existing=True, owner=True)
    except SchemaMismatch as error:
        raise StoreInUse(
            f"a process of another version takes updates into {path} ({error}): stop it, start "
            "this one, then one of this version to take updates"
        ) from error


async def _join(path: Path, clock: Clock, stack: AsyncExitStack) -> SqliteStore:
    """Open the file to take updates into it, when it is there with our schema."""
    from hookgram.store.sqlite import TAKING, hold, open_sqlite  # noqa: PLC0415

    await _until_made(path)
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            stack.enter_context(hold(path, TAKING))
            break
        except StoreInUse:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(LOOK_AGAIN)
    return await open_sqlite(path, clock=clock, existing=True)


async def _until_made(path: Path) -> None:
    """Wait until who delivers has made the store, or brought it up to date.

    Raises StoreUnavailable or SchemaMismatch if it does not.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            async with journal(path, None):
                return
        except SchemaMismatch:
            if time.monotonic() > end:
                raise
        except StoreMissing as error:
            if time.monotonic() > end:
                raise StoreUnavailable(
                    f"{error}; a worker makes it: start `hookgram serve --role worker` with the "
                    "same SQLITE_PATH"
                ) from error
        await asyncio.sleep(LOOK_AGAIN)


def hints_to(path: Path, stack: AsyncExitStack) -> Callable[[Iterable[int]], None]:
    """Return what tells the process that delivers from the file which targets have new work."""
    from hookgram.store.sqlite import Hinter  # noqa: PLC0415

    hinter = Hinter(path)
    stack.callback(hinter.close)
    return hinter.tell


def hints_from(path: Path, heard: Callable[[Iterable[int]], None], stack: AsyncExitStack) -> None:
    """Have *heard* called with what the process that takes updates tells."""
    from hookgram.store.sqlite import Hearer  # noqa: PLC0415

    stack.callback(Hearer(path, heard).close)


async def open_shared(
    url: str, stack: AsyncExitStack, *, direct: str | None = None
) -> tuple[Store, Clock]:
    """Open the database as one replica of any number: others' leases are theirs until they end.

    *direct* is the same database past a pooler. *stack* closes it. Returns the store and its clock.
    Raises SettingsError where the database cannot keep the promise or the library is missing, and
    what opening raises.
    """
    with library():
        from hookgram.store.postgres import open_postgres  # noqa: PLC0415  (an extra)
    store = await open_postgres(url, shard=_shard(), direct=direct)
    stack.push_async_callback(store.close)
    return store, store.clock


@asynccontextmanager
async def journal(path: Path, url: str | None) -> AsyncIterator[Journal]:
    """Open the store for looking only: the database, or without one the file. It must be there.

    Raises StoreMissing, SchemaMismatch, and what opening raises.
    """
    if url is None:
        from hookgram.store.sqlite import open_sqlite_journal  # noqa: PLC0415

        looking: PostgresJournal | SqliteJournal = await open_sqlite_journal(path)
    else:
        with library():
            from hookgram.store.postgres import open_postgres_journal  # noqa: PLC0415
        looking = await open_postgres_journal(url)
    try:
        yield looking
    finally:
        await looking.close()


@asynccontextmanager
async def beside(path: Path, url: str | None, clock: Clock) -> AsyncIterator[Store]:
    """Open the store beside the gateways that work on it. It must be there, and is not migrated.

    Raises StoreMissing, SchemaMismatch, and what opening raises.
    """
    if url is None:
        from hookgram.store.sqlite import open_sqlite  # noqa: PLC0415

        store: Store = await open_sqlite(path, clock=clock, existing=True)
    else:
        with library():
            from hookgram.store.postgres import open_postgres  # noqa: PLC0415
        store = await open_postgres(url, shard=_shard(), existing=True)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def leaving(path: Path, clock: Clock, *, looking: bool) -> AsyncIterator[MoveSource]:
    """Open the file as what a move leaves, instead of a gateway; *looking* only, beside one.

    It must be there; its schema is brought up to date, unless we only look. Raises StoreInUse,
    StoreMissing, SchemaMismatch, and what opening raises.
    """
    from hookgram.store.sqlite import DELIVERING, TAKING, hold, open_move_source  # noqa: PLC0415

    if not await asyncio.to_thread(path.exists):  # no lock beside what is not there
        raise StoreMissing(f"there is no store at {path}")
    async with AsyncExitStack() as stack:
        for lock in () if looking else (DELIVERING, TAKING):
            stack.enter_context(hold(path, lock))
        source = await open_move_source(path, clock, looking=looking)
        stack.push_async_callback(source.close)
        yield source


@asynccontextmanager
async def filling(url: str) -> AsyncIterator[MoveDestination]:
    """Open the database as what a move fills.

    Raises SettingsError where the database cannot keep the promise or the library is missing.
    """
    with library():
        from hookgram.store.postgres import open_move_destination  # noqa: PLC0415
    destination = await open_move_destination(url)
    try:
        yield destination
    finally:
        await destination.close()


@contextmanager
def library() -> Iterator[None]:
    """Say what to install when the import of an extra fails."""
    try:
        yield
    except ImportError as error:
        raise SettingsError([NO_LIBRARY]) from error


def processors() -> int:
    """Tell how many processors we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _shard() -> str:
    name = f"{socket.gethostname()}:{os.getpid()}"
    return f"replica-{crc32(name.encode()) % SHARDS}"
