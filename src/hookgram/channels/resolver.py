"""Looks host names up, each in a thread of its own, for a few seconds at most.

The event loop's own pool of threads will not do: a handful of names whose servers do not answer
fill it, every other target then waits for a thread, and the process cannot end before they return.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

PATIENCE = 5.0
"""Seconds a lookup may take."""

MOST_AT_ONCE = 64
MOST_ADDRESSES = 4
"""A name may have hundreds; so many are tried, of both families in turn."""

Info: TypeAlias = tuple[Any, Any, int, str, tuple[Any, ...]]
Lookup: TypeAlias = Callable[..., list[Info]]


class Resolver(AbstractResolver):
    """Resolves through *lookup* (``socket.getaddrinfo``), which may block. Caches nothing."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo, patience: float = PATIENCE) -> None:
        self._lookup = lookup
        self._patience = patience
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the first few addresses of a host. Raises OSError when there are none in time."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
                infos = await self._in_thread(host, port, family)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer") from None
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
        return [_result(host, info) for info in _first(infos)]

    def _in_thread(self, *where: object) -> asyncio.Future[list[Info]]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Info]] = loop.create_future()

        def look() -> None:
            infos: list[Info] = []
            trouble: Exception | None = None
            try:
                infos = self._look(*where)
            except (OSError, ValueError) as error:
                trouble = error
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(self._tell, found, infos, trouble)

        # A daemon: a lookup that hangs must not hold up the end of the process.
        thread = threading.Thread(target=look, name="lookup", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._tell(found, [], socket.gaierror(socket.EAI_AGAIN, "no more threads"))
        return found

    def _tell(
        self, found: asyncio.Future[list[Info]], infos: list[Info], trouble: Exception | None
    ) -> None:
        self._free.release()
        if found.done():  # it took too long
            return
        if trouble is None:
            found.set_result(infos)
        else:
            found.set_exception(trouble)

    def _look(self, host: object, port: object, family: object) -> list[Info]:
        return self._lookup(
            host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )

    async def close(self) -> None:
        """Do nothing: threads end with their lookups."""


def _first(infos: list[Info]) -> list[Info]:
    """Take a few, of each family in turn, in the order the system prefers."""
    families = dict.fromkeys(info[0] for info in infos)
    kinds = [[info for info in infos if info[0] == family] for family in families]
    mixed = itertools.chain.from_iterable(itertools.zip_longest(*kinds))
    return [info for info in mixed if info is not None][:MOST_ADDRESSES]


def _result(host: str, info: Info) -> ResolveResult:
    family, _, protocol, _, address = info
    zone = f"%{address[3]}" if len(address) > 3 and address[3] else ""
    return ResolveResult(
        hostname=host,
        host=address[0] + zone,
        port=address[1],
        family=family,
        proto=protocol,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
