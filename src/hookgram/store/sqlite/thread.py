"""An executor in a thread of this process, and the line between them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from hookgram.errors import StoreBroken
from hookgram.store.sqlite.connection import Opening
from hookgram.store.sqlite.executor import Batch, Ended, Executor, Told


class InThread:
    """Both ends of the line: what the loop calls, and what the thread calls."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self._loop = asyncio.get_running_loop()
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=executor.live, args=(self,), name="store-writer", daemon=True
        )

    @classmethod
    async def open(cls, opening: Opening, shard: str) -> InThread:
        """Open the file; raises as ``open_writer`` does."""
        return cls(await asyncio.to_thread(Executor, opening, shard))

    # On the event loop

    def start(self, told: Callable[[Told], None]) -> None:
        """Begin; what the executor tells is given to *told*."""
        self._told = told
        self._thread.start()

    def send(self, batch: Batch) -> None:
        """Have the batch carried out after those sent before."""
        self._batches.put(batch)

    def end(self) -> None:
        """Have the executor close the file when all that was sent is done."""
        self._batches.put(None)

    def kill(self) -> None:
        """Wait for the thread no longer: nothing can end it, but it ends with its process."""
        self._told(Ended(StoreBroken("the store's file or disk does not answer")))

    async def ended(self) -> None:
        """Leave nothing behind: the thread ends by itself, right after it has told so."""
        if self._thread.ident is None:
            self.executor.db.close()

    # In the thread

    def receive(self, timeout: float) -> Batch | None:
        """Wait for the next batch."""
        try:
            return self._batches.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None

    def tell(self, told: Told) -> None:
        """Tell the loop; when it is closed already, nobody waits."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._told, told)
