"""The library's exceptions in the gateway's words.

What may pass (busy, full, out of memory) is ``StoreUnavailable``; what says that the file or the
disk cannot be trusted is ``StoreBroken``; anything else belongs to the call that raised it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from hookgram.errors import StoreBroken, StoreError, StoreUnavailable

PASSING = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.NoMemError,
    apsw.TooBigError,
    apsw.ProtocolError,
    MemoryError,
)
LASTING = (
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.PermissionsError,
)


def translated(error: Exception) -> Exception:
    """Return *error* in our words, or *error* itself where it is the caller's own."""
    if passes(error):
        return StoreUnavailable(f"the store cannot do that now: {error}")
    if isinstance(error, LASTING):
        return StoreBroken(f"the store's file or disk fails: {error}")
    return error


@contextmanager
def opening_trouble(path: Path) -> Iterator[None]:
    """Say of trouble while opening which file it concerns."""
    try:
        yield
    except apsw.Error as error:
        trouble = translated(error)
        kind = type(trouble) if isinstance(trouble, StoreError) else StoreBroken
        raise kind(f"{path}: {trouble}") from error


def passes(error: Exception) -> bool:
    """Tell whether the same call may succeed later, with nothing harmed by now."""
    # The shared index beside the log could not grow: a full disk, before anything was written.
    no_room = getattr(error, "extendedresult", None) == apsw.SQLITE_IOERR_SHMSIZE
    return no_room or isinstance(error, PASSING)
