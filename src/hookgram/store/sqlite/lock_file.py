"""The lock file beside the store: one working gateway at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hookgram.errors import StoreBroken, StoreInUse


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock of the store at *path*, in ``<path>.lock``, until the block ends.

    The kernel frees it when the process ends, however it ends; the file stays and names the last
    holder's process. Raises StoreInUse if another one holds it, StoreBroken if it cannot be made.
    """
    file = _open(path)
    try:
        _take(file, path)
        yield
    finally:
        os.close(file)


def _open(path: Path) -> int:
    # Resolved, so that two names of one file are one lock.
    beside = Path(f"{path.resolve()}.lock")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        return os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreBroken(f"the lock file {beside} cannot be opened: {error.strerror}") from error


def _take(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreInUse(
            f"another gateway (process {holder}) works on {path}: stop it first, or give this one "
            "a SQLITE_PATH of its own"
        ) from error
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise StoreBroken(f"the lock file of {path} cannot be written: {error.strerror}") from error
