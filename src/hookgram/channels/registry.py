"""Builds the channel of each target, over connections that all targets share."""

from __future__ import annotations

import asyncio

import aiohttp

from hookgram.channels.group import GroupChannel
from hookgram.channels.guard import Reach, public_socket, reach_of
from hookgram.channels.http import HttpChannel, open_session
from hookgram.core.identity import host_name
from hookgram.core.model import Definition, Origin
from hookgram.ports import Channel

IDLE = 4.0
"""Seconds an idle connection is kept. Many servers close theirs after five: who closes first does
not race with a request on its way."""


class Channels:
    """All ways out. Make it on the event loop; ``close`` it when nothing is under way."""

    def __init__(self) -> None:
        self._sessions: dict[Reach, aiohttp.ClientSession] = {}
        self._channels: dict[tuple[Origin, tuple[str, ...]], Channel] = {}

    def channel_for(self, definition: Definition) -> Channel:
        """Return the channel to a target's URLs; the same one as long as they are the same."""
        key = (definition.origin, definition.urls)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = self._build(definition)
        return channel

    def _build(self, definition: Definition) -> Channel:
        session = self._session(reach_of(definition.origin))
        members = [(host_name(url), HttpChannel(session, url)) for url in definition.urls]
        return GroupChannel(members) if definition.together else members[0][1]

    def _session(self, reach: Reach) -> aiohttp.ClientSession:
        if reach not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=IDLE,
                socket_factory=public_socket if reach is Reach.PUBLIC else None,
            )
            self._sessions[reach] = open_session(connector)
        return self._sessions[reach]

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
