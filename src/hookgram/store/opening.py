"""Opens the store that the settings choose, as its owner or as one of its replicas."""

from __future__ import annotations

import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from zlib import crc32

from hookgram.errors import SettingsError
from hookgram.ports import Clock, Store

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
    store = await open_sqlite(path, clock=clock)
    stack.push_async_callback(store.close)
    await store.lapse_all()
    return store, clock


async def open_shared(url: str, stack: AsyncExitStack) -> tuple[Store, Clock]:
    """Open the database as one replica of any number: others' leases are theirs until they end.

    *stack* closes it. Returns the store and its clock. Raises SettingsError where the database
    cannot keep the promise or the library is missing, and what opening raises.
    """
    try:
        from hookgram.store.postgres import open_postgres  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise SettingsError([NO_LIBRARY]) from error
    store = await open_postgres(url, shard=_shard())
    stack.push_async_callback(store.close)
    return store, store.clock


def _shard() -> str:
    name = f"{socket.gethostname()}:{os.getpid()}"
    return f"replica-{crc32(name.encode()) % SHARDS}"
