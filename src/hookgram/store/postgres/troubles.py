"""The library's and the server's exceptions in the gateway's words.

A database is elsewhere: what fails there may be mended while we go on, so almost everything is
``StoreUnavailable``. A damaged one is ``StoreBroken``; what a call itself got wrong is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from hookgram.errors import StoreBroken, StoreUnavailable

AGAIN = (
    asyncpg.DeadlockDetectedError,  # rolled back in somebody else's favour
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,  # a newer replica has just changed the schema
    asyncpg.OutdatedSchemaCacheError,
)
"""The same again may succeed at once."""
LASTING = (asyncpg.DataCorruptedError, asyncpg.IndexCorruptedError)
CUT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said goodbye while nobody asked, or is no primary
)
"""The connection is of no more use, or it cannot be known."""
PASSING = (
    asyncpg.OperatorInterventionError,  # shut down, starting up, cancelled by a time-out
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.ObjectNotInPrerequisiteStateError,  # a lock not had in time, objects in use
    asyncpg.ReadOnlySQLTransactionError,  # a standby, after a fail-over
    asyncpg.InvalidTransactionStateError,  # idle in a transaction for too long
    asyncpg.PostgresSystemError,  # input or output
    asyncpg.InternalServerError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


@contextmanager
def telling() -> Iterator[None]:
    """Have what the library raises told in our words."""
    try:
        yield
    except (*CUT, asyncpg.PostgresError) as error:
        raise translated(error) from error


def passes(error: BaseException) -> bool:
    """Tell whether the same again may succeed at once, on the same connection."""
    return isinstance(error, AGAIN)


def cuts(error: BaseException) -> bool:
    """Tell whether the connection must be given up after this."""
    # What the library refuses before it sends anything (a number too large) is the caller's own.
    if isinstance(error, asyncpg.DataError):
        return False
    return isinstance(error, (*CUT, *PASSING, *LASTING))


def translated(error: Exception) -> Exception:
    """Return *error* in our words, or *error* itself where it is the caller's own."""
    if isinstance(error, LASTING):
        return StoreBroken(f"the database is damaged: {error}")
    if isinstance(error, TimeoutError):
        return StoreUnavailable("PostgreSQL did not answer in time")
    if passes(error) or cuts(error):
        return StoreUnavailable(f"PostgreSQL cannot do that now: {error or type(error).__name__}")
    return error
