"""The lock files beside the store: one process that delivers, and one that takes updates."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hookgram.errors import StoreBroken, StoreInUse


class Lock(NamedTuple):
    """What only one process may do with a file: the ending of its lock's name, and its words."""

    ending: str
    busy: str


DELIVERING = Lock(
    "lock",
    "another gateway, or a move, works on {path} (process {holder}): let it end first, or give "
    "this one a SQLITE_PATH of its own",
)
TAKING = Lock(
    "ingest.lock",
    "another process takes updates into {path} (process {holder}), and a file has one: stop it "
    "first, or use QUEUE_BACKEND=postgres for as many as you like",
)


@contextmanager
def hold(path: Path, lock: Lock = DELIVERING) -> Iterator[None]:
    """Hold a lock of the store at *path*, in ``<path>.<ending>``, until the block ends.

    The kernel frees it when the process ends, however it ends; the file stays and names the last
    holder's process. Raises StoreInUse if another one holds it, StoreBroken if it cannot be made.
    """
    file = _open(path, lock)
    try:
        _take(file, path, lock)
        yield
    finally:
        os.close(file)


def holder(path: Path, lock: Lock = DELIVERING) -> str | None:
    """Tell which process holds a lock; it is tried and given back at once."""
    try:
        file = os.open(_beside(path, lock), os.O_RDONLY)
    except OSError:
        return None
    try:
        # Shared, so that two that look do not see each other; a gateway starting at this very
        # moment would find it taken, and its platform starts it again.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(file)
    else:
        return None
    finally:
        os.close(file)


def _beside(path: Path, lock: Lock) -> Path:
    # Resolved, so that two names of one file are one lock.
    return Path(f"{path.resolve()}.{lock.ending}")


def _open(path: Path, lock: Lock) -> int:
    beside = _beside(path, lock)
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        return os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreBroken(f"the lock file {beside} cannot be opened: {error.strerror}") from error


def _take(file: int, path: Path, lock: Lock) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreInUse(lock.busy.format(holder=_named(file), path=path)) from error
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise StoreBroken(f"the lock file of {path} cannot be written: {error.strerror}") from error


def _named(file: int) -> str:
    return os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
