"""Opens connections with what durability asks of them, and brings the schema up to date."""

from __future__ import annotations

import os
import time
from importlib.resources import files
from pathlib import Path

import apsw
from msgspec import Struct

from hookgram.core.model import SECOND, Micros
from hookgram.errors import SchemaMismatch, StoreBroken, StoreMissing
from hookgram.store.migrations import outstanding, read_migrations
from hookgram.store.sqlite.transaction import SQL

OLDEST = 3_051_003
"""SQLite 3.51.3: before it two connections can corrupt the log."""
OURS = 0x686F_6F6B
"""The application id in the file's header: "hook"."""
SHORT_WAIT, SHORT_WAITS, LONG_WAIT = 0.0005, 100, 0.01
"""Seconds between two looks at another's lock: so many are short, for a commit takes as long."""
CACHE_KIB = 16_384

MIGRATIONS = read_migrations(files(__package__) / "migrations")


class Opening(Struct, frozen=True, kw_only=True):
    """How to open a store's file: to make it and its schema, or only if it is as it should be.

    Its *owner* cuts the log.

    The last three are for tests that cut the power or fill disks.
    """

    path: Path
    existing: bool = False
    owner: bool = True
    busy_timeout: Micros = 5 * SECOND
    synchronous: str = "full"
    max_pages: int | None = None
    vfs: str | None = None


def open_writer(opening: Opening) -> apsw.Connection:
    """Open the one connection that writes; makes folders and the file, and migrates.

    Or nothing of that: an existing file is opened as it is, or not at all.
    """
    if apsw.SQLITE_VERSION_NUMBER < OLDEST:
        raise StoreBroken(
            f"SQLite {apsw.sqlite_lib_version()} may corrupt its log: 3.51.3 or newer"
        )
    if not opening.existing:
        _make_file(opening.path)
    db = _connect(opening)
    if opening.max_pages is not None:
        db.pragma("max_page_count", opening.max_pages)
    _check_ours(db)
    if opening.existing:
        _check_current(db, opening.path)
    if db.pragma("journal_mode", "wal") != "wal":
        raise StoreBroken(f"{opening.path} cannot keep a write-ahead log")
    db.pragma("synchronous", opening.synchronous)
    db.pragma("wal_autocheckpoint", 0)
    db.pragma("foreign_keys", 1)
    db.pragma("cache_size", -CACHE_KIB)
    migrate(db)
    return db


def open_reader(opening: Opening) -> apsw.Connection:
    """Open a connection that only reads."""
    db = _connect(opening)
    db.pragma("query_only", 1)
    if opening.existing:
        _check_ours(db)
        _check_current(db, opening.path)
    return db


def _connect(opening: Opening) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE
    if opening.existing:
        check_there(opening.path)
    else:
        flags |= apsw.SQLITE_OPEN_CREATE
    db = apsw.Connection(str(opening.path), flags=flags, vfs=opening.vfs)
    wait_for_others(db, opening.busy_timeout)
    db.pragma("mmap_size", 0)
    # A plan depends on the statement alone; else partial indexes have it made anew at each run.
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    # The writer's own last checkpoint is checked; the library's would fail in silence.
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return db


def wait_for_others(db: apsw.Connection, longest: Micros) -> None:
    """Have the connection wait so long for another one's lock, looking often: commits are short.

    The library's own way to wait looks ever less often, and then waits ten times what it must.
    """
    began = 0.0

    def wait(tries: int) -> bool:
        nonlocal began
        now = time.monotonic()
        if not tries:
            began = now
        if now - began >= longest / SECOND:
            return False
        time.sleep(SHORT_WAIT if tries < SHORT_WAITS else LONG_WAIT)
        return True

    db.set_busy_handler(wait if longest else None)


def _make_file(path: Path) -> None:
    # Never opened by ourselves if it exists: closing it would drop another connection's locks.
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreBroken(f"the store {path} cannot be created: {error.strerror}") from error


def check_there(path: Path) -> None:
    """Raise StoreMissing if there is no file."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreMissing(f"there is no store at {path}") from error
    except OSError as error:
        raise StoreBroken(f"the store {path} cannot be opened: {error.strerror}") from error


def _check_current(db: apsw.Connection, path: Path) -> None:
    """Refuse another schema than ours: the running gateway may work with it."""
    version = db.pragma("user_version")
    if version == 0:
        raise StoreMissing(f"there is no store in {path} yet")
    if outstanding(MIGRATIONS, version):
        raise SchemaMismatch(
            f"the store's schema has version {version}, this hookgram works with "
            f"{len(MIGRATIONS)}: use the hookgram that the gateway runs, or start the gateway "
            "with this one, which brings the schema up to date"
        )


def _check_ours(db: apsw.Connection) -> None:
    if db.pragma("application_id") != OURS and db.execute(SQL["tables"]).get:
        raise SchemaMismatch(
            "the file holds something else than a hookgram store: choose another SQLITE_PATH"
        )


def migrate(db: apsw.Connection) -> None:
    """Run the outstanding steps, each in a transaction with its number; refuses a newer schema."""
    while outstanding(MIGRATIONS, db.pragma("user_version")):
        db.execute(SQL["begin"])
        try:
            # Read again under the lock: another process may have been quicker.
            for step in outstanding(MIGRATIONS, db.pragma("user_version"))[:1]:
                db.execute(step.sql)
                db.pragma("application_id", OURS)
                db.pragma("user_version", step.number)
            db.execute(SQL["commit"])
        finally:
            if db.in_transaction:
                db.execute(SQL["rollback"])
