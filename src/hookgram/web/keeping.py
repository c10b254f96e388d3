"""Has bodies kept within a deadline, and tells what each is answered.

A deadline answers instead of cancelling: nothing that is being committed is ever cut off.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from msgspec import Struct

from hookgram.core.facts import IngestRejected, TaskFailed
from hookgram.errors import StoreError
from hookgram.ports import Notice
from hookgram.usecases.intake import Begun, Intake, Taken
from hookgram.web.bodies import Bodies
from hookgram.web.deadlines import Deadlines
from hookgram.web.door import Door
from hookgram.web.exchange import Rejection

SLOW_COMMIT = Rejection(503, "storing took too long", entire=True)
NOT_STORED = Rejection(503, "could not store", entire=True)
NO_UPDATE = Rejection(400, "not an update", entire=True)
STORED = b'{"ok":true}'
"""The answer to what we took. A key ``method`` in it would be a call that Telegram executes."""


class Client(Protocol):
    """Who posted a body and waits for an answer."""

    def answer(self, status: int, body: bytes) -> None:
        """Give the answer."""

    def abort(self) -> None:
        """Let the client go without one."""


class _Posted(Struct):
    """A body at a door, and its client, who is answered once."""

    keeping: Keeping
    door: Door
    body: bytes
    client: Client
    answered: bool = False

    def __repr__(self) -> str:
        """Show whose body it is, not what is in it: the loop prints whom it called in vain."""
        return f"_Posted({self.door!r}, {len(self.body)} bytes)"

    def late(self) -> None:
        """Answer while it is still being kept."""
        try:
            self.answer(SLOW_COMMIT)
        except BaseException:
            self.client.abort()  # nobody may wait for ever, whatever we stumble over
            raise

    def kept(self, begun: Begun, wait: int, _: object) -> None:
        """Answer, for the store is done with it."""
        try:
            self.answer(self.keeping.end(begun, self.body, wait))
        except BaseException:
            self.client.abort()  # nor here
            raise

    def answer(self, rejection: Rejection | None) -> None:
        """Answer the client, unless that is done."""
        if self.answered:
            return
        self.answered = True
        if rejection is None:
            self.client.answer(200, STORED)
        else:
            self.keeping.tell(self.door, rejection)
            self.client.answer(rejection.status, rejection.body)


class Keeping:
    """Keeps bodies that count as waiting, and counts them no longer. *deadline* is in seconds."""

    def __init__(self, intake: Intake, bodies: Bodies, notice: Notice, deadline: float) -> None:
        self._intake = intake
        self._bodies = bodies
        self._notice = notice
        self._deadlines = Deadlines(deadline)

    async def keep(self, door: Door, body: bytes, late: Callable[[], None]) -> Rejection | None:
        """Keep a body; tell why it cannot be, if so.

        *late* is called when it takes too long: it goes on all the same.
        """
        taking = self._intake.take(door.bot, body, trusted=door.secret is not None)
        return await self._taken(taking, body, late)

    def take(self, door: Door, body: bytes, client: Client) -> Coroutine[Any, Any, None] | None:
        """Keep a body without a task, where that is all there is to do, and answer the client.

        Else return what is still to be run, and answers then. When we stumble ourselves, the client
        is let go without an answer.
        """
        posted = _Posted(self, door, body, client)
        try:
            begun = self._intake.begin(door.bot, body, trusted=door.secret is not None)
        except Exception as error:  # noqa: BLE001 - Telegram asks again; what it was is told
            self._bodies.release(body)
            posted.answer(self._failed(error))
            return None
        if not isinstance(begun, Begun):
            return self._take_slowly(posted, begun)
        wait = self._deadlines.begin(posted.late)
        begun.kept.add_done_callback(partial(posted.kept, begun, wait))
        return None

    async def _take_slowly(self, posted: _Posted, taking: Coroutine[Any, Any, Taken]) -> None:
        posted.answer(await self._taken(taking, posted.body, posted.late))

    async def _taken(
        self, taking: Coroutine[Any, Any, Taken], body: bytes, late: Callable[[], None]
    ) -> Rejection | None:
        wait = self._deadlines.begin(late)
        try:
            taken = await taking
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(error)
        finally:
            self._deadlines.end(wait)
            self._bodies.release(body)
        return NO_UPDATE if taken is Taken.UNREADABLE else None

    def end(self, begun: Begun, body: bytes, wait: int) -> Rejection | None:
        """Be done with a body, as the store is; tell why it was not kept, if so."""
        self._deadlines.end(wait)
        self._bodies.release(body)
        try:
            self._intake.end(begun)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as above
            return self._failed(error)
        return None

    def tell(self, door: Door, rejection: Rejection) -> None:
        """Notice that a body was rejected."""
        status, reason = rejection.status, rejection.reason
        self._notice(IngestRejected(bot=door.bot.name, status=status, reason=reason))

    def _failed(self, error: BaseException) -> Rejection:
        """Tell of a bug; the store tells of its own trouble."""
        if not isinstance(error, StoreError | asyncio.CancelledError):
            told = "".join(traceback.format_exception(error))
            self._notice(TaskFailed(where="ingest", error=told))
        return NOT_STORED
