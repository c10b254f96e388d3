"""Opens the store's file: who writes it, a process or a thread, and who reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import apsw

from hookgram.core.model import SECOND, Micros
from hookgram.ports import Clock
from hookgram.store.sqlite.connection import Opening, open_reader
from hookgram.store.sqlite.file_system import refuse_networked
from hookgram.store.sqlite.move import refuse_moved
from hookgram.store.sqlite.process import InProcess
from hookgram.store.sqlite.reader import Reader
from hookgram.store.sqlite.store import SqliteStore
from hookgram.store.sqlite.thread import InThread
from hookgram.store.sqlite.transaction import View
from hookgram.store.sqlite.troubles import opening_trouble
from hookgram.store.sqlite.writer import Writer


async def open_sqlite(
    path: Path,
    *,
    clock: Clock,
    shard: str = "main",
    busy_timeout: Micros = 5 * SECOND,
    synchronous: Literal["full", "normal"] = "full",
    max_pages: int | None = None,
    vfs: str | None = None,
    existing: bool = False,
    owner: bool | None = None,
    apart: bool = False,
) -> SqliteStore:
    """Open the store at *path*; makes folders, the file (mode 0600) and its schema.

    With *existing*, none of these is made or changed: StoreMissing or SchemaMismatch instead. Its
    *owner*, of which there is one, cuts the log; that is who does not say *existing*, unless told
    otherwise. With *apart*, a process of its own writes, else a thread. *shard* names this process
    among those that count. *synchronous*, *max_pages* and *vfs* are for tests: a weaker synchronous
    loses commits in a power cut, *max_pages* makes the store full, *vfs* is another way to the
    disk. Raises SettingsError on a network file system, SchemaMismatch, StoreInUse when a
    move from here began, StoreBroken or, when another process holds the file for longer than
    *busy_timeout*, StoreUnavailable.
    """
    opening = Opening(
        path=path,
        busy_timeout=busy_timeout,
        synchronous=synchronous,
        max_pages=max_pages,
        vfs=vfs,
        existing=existing,
        owner=not existing if owner is None else owner,
    )
    with opening_trouble(path):
        await asyncio.to_thread(refuse_networked, path)
        line = await (InProcess if apart else InThread).open(opening, shard)
        try:
            reading = await asyncio.to_thread(_open_reader, opening)
        except BaseException:
            await line.ended()
            raise
    return SqliteStore(Writer(line, clock), Reader(reading))


def _open_reader(opening: Opening) -> apsw.Connection:
    """Open what reads, unless a move from here began."""
    db = open_reader(opening)
    try:
        refuse_moved(View(db), opening.path)
    except BaseException:
        db.close()
        raise
    return db
