"""Looks at a store and its disk from outside, without waiting for it and without changing it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path, PurePosixPath

import apsw
from msgspec.structs import replace

from hookgram.core.doctor.platform import Platform
from hookgram.core.doctor.store import Disk, StoreFacts
from hookgram.core.model import SECOND, Micros
from hookgram.store.sqlite import journal, move
from hookgram.store.sqlite.connection import MIGRATIONS, OLDEST, OURS
from hookgram.store.sqlite.file_system import mounted, mounts, networked_kind
from hookgram.store.sqlite.lock_file import TAKING, holder
from hookgram.store.sqlite.transaction import SQL, View

MOVES_SINCE = 5
"""The version of the schema from which on it knows of moves."""
BUSY_TIMEOUT = 2_000
"""Milliseconds to wait for a store that somebody is just opening."""


def inspect_store(path: Path) -> StoreFacts:
    """Read what is to be known of the store at *path*. Nothing raises: trouble is a fact."""
    version = apsw.sqlite_lib_version()
    old = apsw.SQLITE_VERSION_NUMBER < OLDEST
    known = len(MIGRATIONS)
    if not path.exists():
        return StoreFacts(exists=False, sqlite=version, sqlite_old=old, known_schema=known)
    seen = StoreFacts(
        exists=True,
        sqlite=version,
        sqlite_old=old,
        known_schema=known,
        size=_size(path),
        holder=holder(path),
        taker=holder(path, TAKING),
    )
    try:
        return _read(path, seen)
    except (apsw.Error, OSError) as error:
        return replace(seen, trouble=str(error))


def _read(path: Path, seen: StoreFacts) -> StoreFacts:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(BUSY_TIMEOUT)
        schema = db.pragma("user_version")
        empty = not db.execute(SQL["tables"]).get
        seen = replace(seen, schema=schema, ours=empty or db.pragma("application_id") == OURS)
        if not seen.ours or not 0 < schema <= seen.known_schema:
            return seen
        view = View(db)
        names = tuple(row[1] for row in view.rows("targets"))
        left = move.mark(view) if schema >= MOVES_SINCE else None
        left_for = left.destination if left else None
        return replace(seen, targets=names, counts=journal.counts(view), left_for=left_for)
    finally:
        db.close()


def _size(path: Path) -> int:
    parts = [path, Path(f"{path}-wal")]
    return sum(part.stat().st_size for part in parts if part.exists())


def inspect_disk(path: Path, *, platform: Platform) -> Disk:
    """Look where the store at *path* lies or would lie; writes a few bytes beside it for a moment.

    Raises OSError when not even its folder can be looked at.
    """
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    place = PurePosixPath(path.resolve())
    mount, kind = mounted(place, mounts())
    unwritable, sync = _written(path, folder)
    return Disk(
        free=shutil.disk_usage(folder).free,
        kind=kind,
        mount=mount,
        networked=networked_kind(place, mounts()),
        platform=platform,
        unwritable=unwritable,
        sync=sync,
    )


def _written(path: Path, folder: Path) -> tuple[str | None, Micros | None]:
    """Say why nothing can be written, or how long it took to make something safe."""
    if path.exists() and not os.access(path, os.W_OK):
        return "its file may not be written", None
    if folder != path.resolve().parent:  # its folders are still to be made, by the gateway
        return (None if os.access(folder, os.W_OK) else f"{folder} may not be written"), None
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".hookgram-doctor-") as file:
            file.write(b"doctor")
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            return None, int((time.perf_counter() - started) * SECOND)
    except OSError as error:
        return f"its folder may not be written ({error.strerror})", None
