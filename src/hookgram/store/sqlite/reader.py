"""One thread that reads, on a connection of its own, so that no page waits for a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import apsw

from hookgram.errors import StoreUnavailable
from hookgram.store.sqlite.transaction import View
from hookgram.store.sqlite.troubles import translated

T = TypeVar("T")


class Reader:
    """Runs short reads one after another."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._view = View(db)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        self._closed = False

    async def read(self, work: Callable[[View], T]) -> T:
        """Run *work* on what is committed now. Raises as the ports say."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[View], T]) -> T:
        try:
            return work(self._view)
        except (apsw.Error, MemoryError) as error:
            raise translated(error) from error

    async def close(self) -> None:
        """Finish what was asked and close the connection."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown(wait=False)
