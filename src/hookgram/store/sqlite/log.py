"""The write-ahead log: when its pages go into the file, and how long its own file may stay.

SQLite's own checkpoints fail silently, so they are off and these are made between transactions, by
the one connection that writes. A failing disk raises; a full one, or a reader in the way, leaves
the pages for the next time.

When all pages are copied, SQLite writes the next ones over them, from the log's beginning. That
costs a third less than to grow the log's file, and finds room where the disk has none. So the file
is kept at its usual length, and cut only when something made it longer, and at the end.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import apsw

from hookgram.core.model import Micros
from hookgram.store.sqlite.connection import wait_for_others
from hookgram.store.sqlite.troubles import passes

FULL_AT = 2_000
"""Pages (of 4 KiB) at which they are copied while work goes on."""
WORTH_COPYING = 1_000
"""Pages from which they are copied when nobody writes."""
LONG = 4_000 * 4_096
"""Bytes from which the log's file is cut when nobody writes: more than work alone makes of it."""


class Log:
    """Watches the log of one connection. Only the store's *owner* cuts it: that stops others."""

    def __init__(self, db: apsw.Connection, busy_timeout: Micros, *, owner: bool = True) -> None:
        self._db = db
        self._owner = owner
        self._busy_timeout = busy_timeout
        self._file = Path(db.filename_wal)
        self._pages = 0
        self._copied = 0
        self._copy_at = FULL_AT
        db.set_wal_hook(self._grown)

    def _grown(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self._pages:
            self._begins_anew()
        self._pages = pages
        return apsw.SQLITE_OK

    def _begins_anew(self) -> None:
        self._pages = self._copied = 0
        self._copy_at = FULL_AT

    def after_commit(self) -> None:
        """Copy the pages if they are many. What readers hold back waits for as many again."""
        if self._pages >= self._copy_at:
            self._copy()

    def at_rest(self) -> None:
        """Copy the pages if they are some, and cut the file if it is long."""
        if self._owner and self._length() > LONG:
            self.cut()
        elif self._pages - self._copied >= WORTH_COPYING:
            self._copy()

    def cut(self) -> None:
        """Copy all pages and cut the file to nothing, unless a reader is in the way."""
        if not self._owner:
            return
        wait_for_others(self._db, 0)  # never waiting for a reader
        try:
            copied = self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            wait_for_others(self._db, self._busy_timeout)
        if copied is not None:
            self._begins_anew()

    def _copy(self) -> None:
        """Copy what no reader holds back, in nobody's way."""
        self._copy_at = self._pages + FULL_AT
        self._copied = self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE) or self._copied

    def _checkpoint(self, mode: int) -> int | None:
        """Return how many of the log's pages are copied now, or None if that has to wait."""
        try:
            _, copied = self._db.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            if passes(error):
                return None
            raise
        return copied

    def _length(self) -> int:
        with suppress(FileNotFoundError):
            return self._file.stat().st_size
        return 0
