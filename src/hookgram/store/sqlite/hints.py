"""Hints between the two processes on one file: which targets have new work.

They go through a named pipe beside the file. Nothing depends on them, for who delivers looks by
itself twice a second: a hint that finds no room or no reader is dropped, and what is no pipe is
left alone.
"""

from __future__ import annotations

import asyncio
import os
import stat
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

RECORD = "q"
"""A target's id: eight bytes."""
AT_ONCE = 64
"""Ids in one write: so much goes into a pipe whole or not at all, on every system."""
READ = 64 * 1024


class Hinter:
    """Tells who delivers from the store at *path*. Make it on the event loop."""

    def __init__(self, path: Path) -> None:
        self._place = _pipe_of(path)
        self._pipe: int | None = None
        self._closed = False
        self._waiting: set[int] = set()
        self._loop = asyncio.get_running_loop()

    def tell(self, target_ids: Iterable[int]) -> None:
        """Have it known soon that these have new work, with all that is told in this turn."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.update(target_ids)

    def _send(self) -> None:
        ids = array(RECORD, self._waiting)
        self._waiting.clear()
        if self._closed:
            return
        try:
            if self._pipe is None:
                self._pipe = _opened(self._place, os.O_WRONLY)
            for first in range(0, len(ids), AT_ONCE):
                os.write(self._pipe, ids[first : first + AT_ONCE].tobytes())
        except BlockingIOError:
            return  # there is enough to be read
        except OSError:  # nobody listens now
            self._let_go()

    def close(self) -> None:
        """Tell no more."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


class Hearer:
    """Hears what is told of the store at *path*, and hands it to *heard*, on the event loop."""

    def __init__(self, path: Path, heard: Callable[[Iterable[int]], None]) -> None:
        self._heard = heard
        self._pipe: int | None = None
        self._loop = asyncio.get_running_loop()
        with suppress(OSError):  # a file system without pipes: work is found all the same
            place = _pipe_of(path)
            with suppress(FileExistsError):
                os.mkfifo(place, 0o600)
            # Also for writing, so that it does not end when the other process does.
            self._pipe = _opened(place, os.O_RDWR)
            self._loop.add_reader(self._pipe, self._read)

    def _read(self) -> None:
        if self._pipe is not None:
            with suppress(BlockingIOError):
                self._heard(set(array(RECORD, os.read(self._pipe, READ))))

    def close(self) -> None:
        """Hear no more."""
        if self._pipe is not None:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = None


def _pipe_of(path: Path) -> Path:
    return Path(f"{path.resolve()}.hints")


def _opened(place: Path, how: int) -> int:
    """Open a pipe. Raises OSError, also when it is something else."""
    pipe = os.open(place, how | os.O_NONBLOCK)
    if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
        os.close(pipe)
        raise OSError(f"{place} is no pipe")
    return pipe
