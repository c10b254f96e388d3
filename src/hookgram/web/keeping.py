"""Has bodies kept within a deadline, and tells what each is answered.

A deadline answers instead of cancelling: nothing that is being committed is ever cut off.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

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

Answer: TypeAlias = Callable[[int, bytes], None]
"""Gives a status and a body to whoever waits for them."""


class _Client(Struct):
    """Whom to answer, once, and at which door he waits."""

    door: Door
    answer: Answer
    answered: bool = False


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
        wait = self._deadlines.begin(late)
        try:
            taken = await self._intake.take(door.bot, body, trusted=door.secret is not None)
        except Exception as error:  # noqa: BLE001 - Telegram asks again; what it was is told
            return self._failed(error)
        finally:
            self._deadlines.end(wait)
            self._bodies.release(body)
        return NO_UPDATE if taken is Taken.UNREADABLE else None

    def take(self, door: Door, body: bytes, answer: Answer) -> Coroutine[Any, Any, None] | None:
        """Keep a body without a task, where that is all there is to do, and *answer*, once.

        Else return what is still to be run, and answers then.
        """
        client = _Client(door, answer)
        try:
            begun = self._intake.begin(door.bot, body, trusted=door.secret is not None)
        except Exception as error:  # noqa: BLE001 - as above
            self._bodies.release(body)
            self._answer(client, self._failed(error))
            return None
        if begun is None:
            return self._take_slowly(client, body)
        wait = self._deadlines.begin(partial(self._answer, client, SLOW_COMMIT))
        begun.kept.add_done_callback(partial(self._kept, client, body, begun, wait))
        return None

    async def _take_slowly(self, client: _Client, body: bytes) -> None:
        late = partial(self._answer, client, SLOW_COMMIT)
        self._answer(client, await self.keep(client.door, body, late))

    def _kept(self, client: _Client, body: bytes, begun: Begun, wait: int, _: object) -> None:
        self._deadlines.end(wait)
        self._bodies.release(body)
        rejection = None
        try:
            self._intake.end(begun)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as above
            rejection = self._failed(error)
        self._answer(client, rejection)

    def _answer(self, client: _Client, rejection: Rejection | None) -> None:
        if client.answered:
            return
        client.answered = True
        if rejection is None:
            client.answer(200, STORED)
        else:
            self.tell(client.door, rejection)
            client.answer(rejection.status, rejection.body)

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
