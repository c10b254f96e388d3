"""Opens the store that the settings choose, as its owner or as one of its replicas."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from hookgram.errors import SettingsError
from hookgram.ports import Clock, Journal, Store

if TYPE_CHECKING:
    from hookgram.store.postgres import PostgresJournal
    from hookgram.store.sqlite import SqliteJournal

SHARDS = 64
"""The most counter rows for one thing: replicas come and go, their rows stay."""
NO_LIBRARY = (
    "QUEUE_BACKEND: postgres needs a library that is not here; install it with: "
    "pip install 'hookgram[postgres]'"
)


async def open_owned(path: Path, clock: Clock, stack: AsyncExitStack) -> tuple[Store, Clock]:
    """Open the file as its one owner, which takes over every lease at once.

    *stack* closes it. Returns the store and its clock. Raises StoreInUse, and what opening raises.
    """
    from hookgram.store.sqlite import hold, open_sqlite  # noqa: PLC0415  (only who needs it)

    stack.enter_context(hold(path))
    store = await open_sqlite(path, clock=clock, apart=processors() > 1)
    stack.push_async_callback(store.close)
    await store.lapse_all()
    return store, clock


async def open_shared(url: str, stack: AsyncExitStack) -> tuple[Store, Clock]:
    """Open the database as one replica of any number: others' leases are theirs until they end.

    *stack* closes it. Returns the store and its clock. Raises SettingsError where the database
    cannot keep the promise or the library is missing, and what opening raises.
    """
    with library():
        from hookgram.store.postgres import open_postgres  # noqa: PLC0415  (an extra)
    store = await open_postgres(url, shard=_shard())
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
