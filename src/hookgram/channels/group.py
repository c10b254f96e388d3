"""Several URLs that succeed or are retried together: one attempt goes to all members at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from hookgram.core.model import SECOND
from hookgram.core.outcome import (
    Answer,
    GroupAnswer,
    Member,
    Outbound,
    Response,
    TransportFailure,
)
from hookgram.ports import Channel


class GroupChannel:
    """Sends each attempt to every member and tells what each answered (see ``ports.Channel``).

    *members* are pairs of a name and a channel, which is no group itself. Raises ValueError if
    there are none.
    """

    def __init__(self, members: Sequence[tuple[str, Channel]]) -> None:
        if not members:
            raise ValueError("a group has at least one member")
        self._members = tuple(members)

    async def send(self, outbound: Outbound) -> Answer:
        """Try all members at once, each within the deadline; as slow as the slowest."""
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            tasks = [
                (name, group.create_task(channel.send(outbound))) for name, channel in self._members
            ]
        members = tuple(Member(name=name, answer=_single(task.result())) for name, task in tasks)
        return GroupAnswer(members=members, took=int((time.perf_counter() - started) * SECOND))

    def interrupt(self) -> None:
        """Cut what is in the air at every member."""
        for _, channel in self._members:
            channel.interrupt()

    async def close(self) -> None:
        """Close every member."""
        for _, channel in self._members:
            await channel.close()


def _single(answer: Answer) -> Response | TransportFailure:
    if isinstance(answer, GroupAnswer):
        raise TypeError("a group has no groups as members")
    return answer
