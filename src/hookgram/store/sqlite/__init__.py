"""The store in one SQLite file: one writer with group commit, readers beside it."""

from hookgram.store.sqlite.hints import Hearer, Hinter
from hookgram.store.sqlite.journal_reader import SqliteJournal, open_sqlite_journal
from hookgram.store.sqlite.lock_file import DELIVERING, TAKING, hold
from hookgram.store.sqlite.move import SqliteMoveSource, open_move_source
from hookgram.store.sqlite.opening import open_sqlite
from hookgram.store.sqlite.store import SqliteStore

__all__ = [
    "DELIVERING",
    "TAKING",
    "Hearer",
    "Hinter",
    "SqliteJournal",
    "SqliteMoveSource",
    "SqliteStore",
    "hold",
    "open_move_source",
    "open_sqlite",
    "open_sqlite_journal",
]
