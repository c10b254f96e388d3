"""The store in PostgreSQL: shared by any number of replicas, each with its own connections."""

from hookgram.store.postgres.store import PostgresStore, open_postgres

__all__ = ["PostgresStore", "open_postgres"]
