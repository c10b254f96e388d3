"""Executes the replies of responders, at most once each, in the memory of this process.

What a crash cuts is not executed again: the delivery is settled, and a message sent twice is worse
than one that is missing.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol, Self

import msgspec

from hookgram.core.facts import ReplyEnded, TaskFailed
from hookgram.core.model import SECOND, Attempt
from hookgram.core.replying import PATIENCE, Call, Ended, Ending, Reply, call_in, forbidden
from hookgram.errors import StoreError
from hookgram.ports import Notice
from hookgram.telegram.fields import fields_of
from hookgram.telegram.posting import NoAnswer, NotSent, Postbox, Said
from hookgram.telegram.turns import Turns

MOST_WAITING = 1000
MOST_BYTES = 64 * 1024 * 1024
LANDING = 5.0
"""Seconds that replies get when we stop."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 8.0


class Keeper(Protocol):
    """Where the outcome is kept."""

    async def keep(self, delivery_id: int, attempt: Attempt) -> None:
        """Keep this of an attempt, in place of what is kept of it."""
        ...


class Replies:
    """The replies in hand. Make it on the event loop; use it as a context, which lands them.

    *tokens* are those of the bots, by their ids. *patience*, in microseconds, is how long a reply
    may wait for its turn, for a Bot API that cannot be reached, or for one that asks to wait.
    """

    def __init__(
        self,
        *,
        base_url: str,
        tokens: Mapping[int, str],
        keeper: Keeper,
        notice: Notice,
        patience: int = PATIENCE,
    ) -> None:
        self._postbox = Postbox(base_url)
        self._tokens = tokens
        self._keeper = keeper
        self._notice = notice
        self._patience = patience / SECOND
        self._turns = Turns()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LANDING)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._postbox.__aexit__()

    def take(self, reply: Reply) -> None:
        """Execute it soon, in the order of its chat. Neither blocks nor raises."""
        size = len(reply.body or b"")
        if len(self._tasks) >= MOST_WAITING or self._bytes + size > MOST_BYTES:
            self._tell(reply, Ended(ending=Ending.DROPPED, error="too many replies are waiting"))
            return
        self._bytes += size
        task = asyncio.create_task(self._handle(reply))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(done, size))

    def _done(self, task: asyncio.Task[None], size: int) -> None:
        self._tasks.discard(task)
        self._bytes -= size

    async def _handle(self, reply: Reply) -> None:
        began = time.monotonic()
        try:
            ended = await self._end(reply)
            if ended is not None:
                took = int((time.monotonic() - began) * SECOND)
                ended = msgspec.structs.replace(ended, took=took)
                self._tell(reply, ended)
                await self._keeper.keep(reply.delivery_id, kept(reply.attempt, ended))
        except StoreError:
            pass  # it is in the log; the pulse meets the store's trouble too, and tells it
        except Exception:  # noqa: BLE001  (a bug met by one reply must not stop the others)
            self._notice(TaskFailed(where="a reply", error=traceback.format_exc()))

    async def _end(self, reply: Reply) -> Ended | None:
        """Carry out what is in an answer; None when nothing is."""
        if reply.body is None:
            why = "the answer was longer than 1 MiB or did not come whole"
            return Ended(ending=Ending.UNREADABLE, error=why)
        call = call_in(await fields_of(reply.content_type, reply.body))
        if call is None:
            return None
        if forbidden(call):
            why = "Telegram executes no such method from an answer"
            return Ended(ending=Ending.FORBIDDEN, method=call.method, error=why)
        token = self._tokens.get(reply.bot_id)
        if token is None:
            why = "the configuration has no such bot any more"
            return Ended(ending=Ending.DROPPED, method=call.method, error=why)
        execution = _Execution(self._postbox, self._turns, token, reply, call)
        return await execution.end(self._patience, partial(self._begin, reply, call))

    async def _begin(self, reply: Reply, call: Call) -> None:
        """Keep that it may be executed from now on: whatever dies then, it is not begun again."""
        begun = Ended(ending=Ending.UNKNOWN, method=call.method, error="we ended before it did")
        await self._keeper.keep(reply.delivery_id, kept(reply.attempt, begun))

    def _tell(self, reply: Reply, ended: Ended) -> None:
        self._notice(
            ReplyEnded(
                seq=reply.seq,
                event_id=reply.event_id,
                bot_id=reply.bot_id,
                delivery_id=reply.delivery_id,
                target=reply.target,
                ended=ended,
            )
        )


class _Execution:
    """One call on its way. ``_sent``: it may have been executed; ``_why``: what it waits for."""

    def __init__(
        self, postbox: Postbox, turns: Turns, token: str, reply: Reply, call: Call
    ) -> None:
        self._postbox = postbox
        self._turns = turns
        self._token = token
        self._reply = reply
        self._call = call
        self._sent = False
        self._why = "its turn did not come in time"

    async def end(self, patience: float, begin: Callable[[], Awaitable[None]]) -> Ended:
        """Execute it when its turn comes; what may have been executed is not tried again.

        *begin* is awaited before it is sent; if the store cannot take it, nothing is sent.
        """
        deadline = asyncio.get_running_loop().time() + patience
        waiting = asyncio.timeout_at(deadline)
        try:
            async with waiting, self._turns.turn(self._reply.bot_id, self._call.chat):
                await begin()
                return self._ended(await self._insist(waiting, deadline))
        except TimeoutError:
            return self._given_up(Ending.EXPIRED, self._why)
        except NoAnswer as no:
            return self._given_up(Ending.UNKNOWN, str(no))
        except StoreError as error:
            return self._given_up(Ending.DROPPED, f"that it begins could not be kept: {error}")
        except asyncio.CancelledError:
            if self._sent:
                return self._given_up(Ending.UNKNOWN, "we stopped before an answer came")
            return self._given_up(Ending.DROPPED, "we stopped before its turn came")

    async def _insist(self, waiting: asyncio.Timeout, deadline: float) -> Said:
        """Post it until it is known to have been taken or refused."""
        pause = FIRST_PAUSE
        while True:
            waiting.reschedule(None)  # the post has a deadline of its own
            try:
                said = await self._post()
                wait = said.retry_after
                if wait is None:
                    return said
                self._why = said.description
            except NotSent as no:
                self._why, wait = str(no), pause
                pause = min(pause * 2, LONGEST_PAUSE)
            self._sent = False
            waiting.reschedule(deadline)
            await asyncio.sleep(wait)
            await self._turns.pace(self._reply.bot_id)

    async def _post(self) -> Said:
        self._sent = True
        reply = self._reply
        return await self._postbox.post(
            self._token, self._call.method, reply.content_type, reply.body or b""
        )

    def _ended(self, said: Said) -> Ended:
        ending = Ending.EXECUTED if said.ok else Ending.REFUSED
        why = None if said.ok else said.description
        return Ended(ending=ending, method=self._call.method, status=said.status, error=why)

    def _given_up(self, ending: Ending, why: str) -> Ended:
        return Ended(ending=ending, method=self._call.method, error=why)


def kept(attempt: Attempt, ended: Ended) -> Attempt:
    """Return what is kept of an attempt whose reply ended so."""
    row = {
        "name": "telegram",
        "method": ended.method,
        "ending": ended.ending,
        "status": ended.status,
        "error": ended.error,
        "took": ended.took,
    }
    return msgspec.structs.replace(attempt, members=msgspec.json.encode([row]).decode())
