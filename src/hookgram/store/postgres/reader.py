"""One connection that reads, so that no page waits for a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hookgram.errors import NotFound, StoreUnavailable
from hookgram.store.postgres.connection import Link
from hookgram.store.postgres.transaction import COMMIT, START_READING, STATEMENT, View
from hookgram.store.postgres.troubles import cuts, passes, translated

T = TypeVar("T")


class Reader:
    """Runs short reads one after another. *deadline*: seconds a caller waits at most."""

    def __init__(self, link: Link, deadline: float) -> None:
        self._link = link
        self._deadline = deadline
        self._turn = asyncio.Lock()
        self._closed = False

    async def read(self, work: Callable[[View], Awaitable[T]]) -> T:
        """Run *work* on what is committed now; once more if that may help."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        try:
            async with asyncio.timeout(self._deadline), self._turn:
                try:
                    return await self._run(work)
                except Exception as error:
                    if isinstance(error, TimeoutError) or not (passes(error) or cuts(error)):
                        raise
                    return await self._run(work)
        except Exception as error:
            trouble = translated(error)
            if trouble is error:
                raise
            raise trouble from error

    async def _run(self, work: Callable[[View], Awaitable[T]]) -> T:
        try:
            db = await self._link.start(START_READING, deadline=STATEMENT)
            found = await _found(work, View(db))
            await db.execute(COMMIT, timeout=STATEMENT)
        except BaseException:
            # A read cut short leaves an answer on its way: the next must not meet it.
            self._link.drop()
            raise
        if isinstance(found, NotFound):
            raise found
        return found

    async def close(self) -> None:
        """Finish what was asked and close the connection."""
        self._closed = True
        async with self._turn:
            await self._link.close()


async def _found(work: Callable[[View], Awaitable[T]], view: View) -> T | NotFound:
    """Return what *work* found; that there is nothing is an answer too, and ends no connection."""
    try:
        return await work(view)
    except NotFound as nothing:
        return nothing
