"""The write-ahead log: when its pages go into the file.

SQLite's own checkpoints fail silently, so they are off and these are made between transactions, by
the one connection that writes. A failing disk raises; a full one, or a reader in the way, leaves
the pages for the next time.
"""

from __future__ import annotations

import apsw

from hookgram.core.model import Micros
from hookgram.store.sqlite.connection import wait_for_others
from hookgram.store.sqlite.troubles import passes

FULL_AT = 8_000
"""Pages (of 4 KiB) at which they are copied while work goes on."""
WORTH_CUTTING = 1_000
"""Pages from which the log's file is cut when nobody writes."""


class Log:
    """Watches the log of one connection. Only the store's *owner* cuts it: that stops others."""

    def __init__(self, db: apsw.Connection, busy_timeout: Micros, *, owner: bool = True) -> None:
        self._db = db
        self._owner = owner
        self._busy_timeout = busy_timeout
        self._pages = 0
        self._copy_at = FULL_AT
        self._longest = 0
        db.set_wal_hook(self._grown)

    def _grown(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self._pages:
            self._copy_at = FULL_AT
        self._pages = pages
        self._longest = max(self._longest, pages)
        return apsw.SQLITE_OK

    def after_commit(self) -> None:
        """Copy the pages if they are many. What readers hold back waits for as many again."""
        if self._pages >= self._copy_at:
            self._copy_at = self._pages + FULL_AT
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def at_rest(self) -> None:
        """Copy the pages and cut the file, if it has grown."""
        if self._longest >= WORTH_CUTTING:
            self.cut()

    def cut(self) -> None:
        """Copy all pages and cut the file to nothing, unless a reader is in the way."""
        if not self._owner:
            return
        wait_for_others(self._db, 0)  # never waiting for a reader
        try:
            cut = self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            wait_for_others(self._db, self._busy_timeout)
        if cut:
            self._pages = self._longest = 0
            self._copy_at = FULL_AT

    def _checkpoint(self, mode: int) -> bool:
        try:
            self._db.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            if passes(error):
                return False
            raise
        return True
