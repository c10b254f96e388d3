"""The store as commands open it: beside a running gateway, never making or migrating one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from hookgram.core.model import Micros
from hookgram.ports import Journal, Store

T = TypeVar("T")

BREATH = 0.02
"""Seconds between two transactions of a bulk order: the gateway's own commits come first."""


def now() -> Micros:
    """Tell the time of this machine."""
    return time.time_ns() // 1000


def look(work: Callable[[Journal], Awaitable[T]]) -> T:
    """Run *work* on the journal of the store that the settings name; nothing can be changed."""

    async def looking() -> T:
        async with _journal() as journal:
            return await work(journal)

    return asyncio.run(looking())


def order(work: Callable[[Store], Awaitable[T]]) -> T:
    """Run *work* on the store that the settings name."""

    async def ordering() -> T:
        async with _store() as store:
            return await work(store)

    return asyncio.run(ordering())


async def breathe() -> None:
    """Let the gateway write."""
    await asyncio.sleep(BREATH)


def _journal() -> AbstractAsyncContextManager[Journal]:
    from hookgram.settings import load_place  # noqa: PLC0415  (slow; `--help` needs it not)
    from hookgram.store.opening import journal  # noqa: PLC0415

    place = load_place()
    return journal(place.sqlite_path, place.shared_database)


def _store() -> AbstractAsyncContextManager[Store]:
    from hookgram.settings import load_place  # noqa: PLC0415
    from hookgram.store.opening import beside  # noqa: PLC0415

    place = load_place()
    return beside(place.sqlite_path, place.shared_database, now)
