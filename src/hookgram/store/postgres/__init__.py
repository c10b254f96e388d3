"""The store in PostgreSQL: shared by any number of replicas, each with its own connections."""

from hookgram.store.postgres.journal_reader import PostgresJournal, open_postgres_journal
from hookgram.store.postgres.store import PostgresStore, open_postgres

__all__ = ["PostgresJournal", "PostgresStore", "open_postgres", "open_postgres_journal"]
