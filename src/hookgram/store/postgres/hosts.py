"""The hosts of a URL, asked one by one: one that is silent hides none of the others.

``postgresql://user@one,two/base`` names two. The library would ask them in turn as well, but with
one time-out for all of them, so that a machine that is gone for good uses it up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from hookgram.errors import StoreUnavailable
from hookgram.store.postgres.troubles import cuts

T = TypeVar("T")


class Hosts:
    """The hosts of one database; the one that served last is asked before the others.

    Each is a URL of its own, as the library takes it. Hosts in the query are left to the library.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)._replace(scheme="postgresql")
        user, at, hosts = parts.netloc.rpartition("@")
        self.place = place(url)
        self._urls = [
            urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(",")
        ]

    @property
    def several(self) -> bool:
        """Whether there is a choice."""
        return len(self._urls) > 1

    async def first(self, ask: Callable[[str, float], Awaitable[T]], patience: float) -> T:
        """Return the answer of the first host that answers *ask* (its URL, seconds).

        *patience*: seconds for all hosts together. An only one says itself what is wrong with it;
        of several, StoreUnavailable tells what is wrong with each.
        """
        troubles = []
        for url in tuple(self._urls):
            try:
                answer = await ask(url, patience / len(self._urls))
            except Exception as error:
                if not (self.several and (cuts(error) or isinstance(error, StoreUnavailable))):
                    raise
                troubles.append(f"{place(url)}: {str(error) or type(error).__name__}")
            else:
                self._urls.remove(url)
                self._urls.insert(0, url)
                return answer
        raise StoreUnavailable("; ".join(troubles))


def place(url: str) -> str:
    """Name the database of *url* without user and password."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
