"""Asks Telegram for a bot's updates, for those who have no public address.

Raw ``getUpdates``: an answer is cut into the bytes of its updates, these go the same way as posted
ones, and only the next request confirms them, after they and the offset are kept in one
transaction. A webhook is never removed here: that is the operator's to say.
"""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp

from hookgram.core import polling as core
from hookgram.core.definition import Bot
from hookgram.core.facts import PollingHindered, PollingResumed
from hookgram.core.kinds import KINDS
from hookgram.core.model import MINUTE, SECOND, Offset
from hookgram.core.polling import Hindrance
from hookgram.errors import (
    StoreUnavailable,
    TelegramConflict,
    TelegramError,
    TelegramUnavailable,
    TokenRejected,
)
from hookgram.ports import Inbox, Notice
from hookgram.telegram.answers import NO_TIMEOUT, TooLarge, check, read_body, why
from hookgram.telegram.duty import Shift, Turns, rest
from hookgram.usecases.intake import Intake, Taken

LONG_POLL = 50
"""Seconds that Telegram waits for an update before it answers that there is none: its limit."""
PATIENCE = 10.0
"""Seconds that an answer may take beyond that."""
COMMIT_DEADLINE = 10.0
MOST_UPDATES = 100
TELL_AGAIN = 10 * MINUTE / SECOND


class Poller:
    """Polls one bot while it has the duty; ``last_turn`` is for a watchdog, monotonic seconds."""

    def __init__(
        self,
        *,
        bot: Bot,
        token: str,
        base_url: str,
        intake: Intake,
        inbox: Inbox,
        shift: Shift,
        notice: Notice,
        long_poll: float = LONG_POLL,
        patience: float = PATIENCE,
    ) -> None:
        self._bot = bot
        self._url = f"{base_url.rstrip('/')}/bot{token}/getUpdates"
        self._intake = intake
        self._inbox = inbox
        self._shift = shift
        self._notice = notice
        self._long_poll = long_poll
        self._patience = patience
        self._turns = Turns()
        self._limit = MOST_UPDATES
        self._hindrance: Hindrance | None = None
        self._times = 0
        self._repeats = 0
        self._tell_at = 0.0

    @property
    def last_turn(self) -> float:
        """When its loop turned last."""
        return self._turns.last

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until *stop*, whenever the duty is ours. Raises StoreBroken."""
        self._turns.expect(float("inf"))  # the shift's own waits are bounded
        await self._shift.run(self._poll, stop)

    async def _poll(self, over: asyncio.Event) -> None:
        try:
            async with aiohttp.ClientSession(timeout=NO_TIMEOUT, trust_env=False) as session:
                await self._poll_with(session, over)
        finally:
            self._turns.expect(float("inf"))

    async def _poll_with(self, session: aiohttp.ClientSession, over: asyncio.Event) -> None:
        known, asked = False, None
        while not over.is_set():
            try:
                if not known:
                    asked, known = await self._offset(), True
                answer = await self._ask(session, asked, over)
                if answer is not None:
                    asked = await self._keep(answer, asked, over)
            except TelegramError as error:
                await self._hindered(_of(error), error, over)
            except (StoreUnavailable, TimeoutError) as error:
                known = False  # perhaps it was kept all the same: the store knows
                await self._hindered(core.STORE, error, over)

    async def _offset(self) -> int | None:
        self._turns.expect(COMMIT_DEADLINE)
        async with asyncio.timeout(COMMIT_DEADLINE):
            return await self._inbox.offset(self._bot.bot_id)

    async def _ask(
        self, session: aiohttp.ClientSession, asked: int | None, over: asyncio.Event
    ) -> bytes | None:
        """Make one long poll; None when we must end, or ask for less. Raises TelegramError."""
        self._turns.expect(self._long_poll + self._patience)
        request = asyncio.ensure_future(self._request(session, asked))
        ending = asyncio.ensure_future(over.wait())
        try:
            await asyncio.wait((request, ending), return_when=asyncio.FIRST_COMPLETED)
            return request.result() if request.done() else None
        finally:
            request.cancel()
            ending.cancel()
            await asyncio.wait((request, ending))

    async def _request(self, session: aiohttp.ClientSession, asked: int | None) -> bytes | None:
        form: dict[str, str] = {
            "timeout": f"{self._long_poll:g}",
            "limit": str(self._limit),
            "allowed_updates": json.dumps(list(KINDS)),
        }
        if asked is not None:
            form["offset"] = str(asked)
        try:
            async with (
                asyncio.timeout(self._long_poll + self._patience),
                session.post(self._url, data=form, allow_redirects=False) as answer,
            ):
                body, status = await read_body(answer), answer.status
        except TimeoutError:
            raise TelegramUnavailable("Telegram did not answer in time") from None
        except TooLarge:
            if self._limit == 1:
                raise TelegramUnavailable("Telegram's answer is too large") from None
            self._limit //= 2
            return None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Without the cause: its text may hold the URL, and with it the token.
            raise TelegramUnavailable(f"Telegram cannot be reached: {why(error)}") from None
        if status != 200:
            check(status, body.decode("utf-8", "replace"))
        return body

    async def _keep(self, answer: bytes, asked: int | None, over: asyncio.Event) -> int | None:
        """Keep what came; returns what to ask for next. Raises TelegramError, StoreUnavailable."""
        bodies = core.split(answer)
        if bodies is None:
            check(200, answer.decode("utf-8", "replace"))
            raise TelegramUnavailable("Telegram's answer has a form we do not know")
        if not bodies:
            self._goes_on()
            return asked
        updates = [(body, self._intake.read(body)) for body in bodies]
        after = core.next_id([core.update_id(*update) for update in updates], asked)
        offset = None if after is None else Offset(bot_id=self._bot.bot_id, next_id=after)
        self._turns.expect(COMMIT_DEADLINE)
        async with asyncio.timeout(COMMIT_DEADLINE):
            taken = await self._intake.take_batch(self._bot, updates, offset)
        if len(bodies) < self._limit:
            self._limit = MOST_UPDATES
        again = all(one is Taken.DUPLICATE for one in taken)
        self._repeats = self._repeats + 1 if again else 0
        if self._repeats > 1:  # once is no wonder: a webhook may have brought them before
            await self._hindered(core.REPEATED, None, over)
        else:
            self._goes_on()
        return after

    def _goes_on(self) -> None:
        if self._hindrance is not None:
            self._notice(PollingResumed(bot=self._bot.name))
        self._hindrance, self._times = None, 0

    async def _hindered(
        self, hindrance: Hindrance, error: Exception | None, over: asyncio.Event
    ) -> None:
        """Tell it, unless it was told already, and wait."""
        known = hindrance is self._hindrance
        self._hindrance, self._times = hindrance, self._times + 1 if known else 1
        asked = error.retry_after if isinstance(error, TelegramUnavailable) else None
        wait = core.pause(hindrance, self._times, asked)
        if not known or time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + TELL_AGAIN
            self._notice(
                PollingHindered(
                    bot=self._bot.name,
                    reason=hindrance.code,
                    message=hindrance.message,
                    advice=hindrance.advice,
                    said=str(error or "the same updates again"),
                    wait=wait,
                )
            )
        self._turns.expect(wait / SECOND)
        await rest(over, wait / SECOND)


def _of(error: TelegramError) -> Hindrance:
    """Say what a refusal means for polling."""
    match error:
        case TokenRejected():
            return core.TOKEN
        case TelegramConflict():
            return core.of_conflict(str(error))
        case TelegramUnavailable(retry_after=None):
            return core.UNREACHED
        case TelegramUnavailable():
            return core.LIMITED
        case _:
            return core.REFUSED
