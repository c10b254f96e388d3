"""The store in PostgreSQL: shared by any number of replicas, each with its own connections."""

from hookgram.store.postgres.journal_reader import PostgresJournal, open_postgres_journal
from hookgram.store.postgres.move import PostgresMoveDestination, open_move_destination
from hookgram.store.postgres.opening import open_postgres
from hookgram.store.postgres.store import PostgresStore

__all__ = [
    "PostgresJournal",
    "PostgresMoveDestination",
    "PostgresStore",
    "open_move_destination",
    "open_postgres",
    "open_postgres_journal",
]
