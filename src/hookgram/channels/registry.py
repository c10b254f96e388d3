"""Builds the channel of each target, over connections that all targets share."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Self, TypeAlias

import aiohttp

from hookgram.channels.group import GroupChannel
from hookgram.channels.guard import Reach, reach_of
from hookgram.channels.http import HttpChannel
from hookgram.channels.resolver import Lookup, Resolver
from hookgram.channels.wire import Connector, open_session
from hookgram.core.definition import Definition, Origin
from hookgram.core.identity import host_name
from hookgram.ports import Channel

CLOSING = 5.0
"""Seconds that connections get to close."""

Way: TypeAlias = tuple[Origin, tuple[str, ...]]


class Channels:
    """All ways out. Make it on the event loop; ``close`` it when nothing is under way.

    Targets of one reach share a session, so an idle target costs an entry in a dictionary; those
    added at run time never get a connection dialled for the operator's own. *tls* replaces the
    system's authorities, *lookup* the system's name resolution.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, lookup: Lookup = socket.getaddrinfo
    ) -> None:
        self._tls = tls
        self._resolver = Resolver(lookup)
        self._sessions: dict[Reach, aiohttp.ClientSession] = {}
        self._channels: dict[str, tuple[Way, Channel]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def channel_for(self, definition: Definition) -> Channel:
        """Return the target's channel: the same one until its URLs or its origin change.

        Raises ValueError if a URL is none.
        """
        way = (definition.origin, definition.urls)
        known = self._channels.get(definition.name)
        if known is not None and known[0] == way:
            return known[1]
        channel = self._build(definition)
        self._channels[definition.name] = (way, channel)
        return channel

    def _build(self, definition: Definition) -> Channel:
        session = self._session(reach_of(definition.origin))
        members = [(host_name(url), HttpChannel(session, url)) for url in definition.urls]
        return GroupChannel(members) if definition.together else members[0][1]

    def _session(self, reach: Reach) -> aiohttp.ClientSession:
        if reach not in self._sessions:
            self._sessions[reach] = open_session(Connector(reach, self._resolver, self._tls))
        return self._sessions[reach]

    async def close(self) -> None:
        """Close every connection."""
        async with asyncio.timeout(CLOSING):
            await asyncio.gather(*(session.close() for session in self._sessions.values()))
