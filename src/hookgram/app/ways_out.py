"""How updates go out: claimed, tried, settled; and the replies of responders executed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from hookgram import __version__
from hookgram.app.ways_in import Loop
from hookgram.channels.registry import Channels
from hookgram.core.definition import Target
from hookgram.ports import Clock, Notice, Store
from hookgram.settings import Settings
from hookgram.telegram.replies import Replies
from hookgram.worker.lapses import Lapses
from hookgram.worker.loop import Worker

USER_AGENT = f"hookgram/{__version__}"


class WaysOut:
    """Makes the worker and what it needs: ``loops`` to run, ``turns`` to watch.

    *stack* closes what it opens, after the loops have ended. ``lapses`` settles what vanished
    workers held, whoever they were.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        notice: Notice,
        target_of: Callable[[int], Target | None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._notice = notice
        self._target_of = target_of
        self.loops: dict[str, Loop] = {}
        self.turns: dict[str, Callable[[], float]] = {}

    async def open(self, stack: AsyncExitStack) -> None:
        """Make it all."""
        self._channels = Channels()
        stack.push_async_callback(self._channels.close)
        replies = await stack.enter_async_context(self._replies())
        self._worker = Worker(
            queue=self._store,
            channel_for=self._channels.channel_for,
            notice=self._notice,
            clock=self._clock,
            dice=random.random,
            breaker_failures=self._settings.breaker_failures,
            user_agent=USER_AGENT,
            grace=self._settings.shutdown_grace,
            reply=replies.take,
        )
        self.lapses = Lapses(
            queue=self._store,
            target_of=self._target_of,
            notice=self._notice,
            dice=random.random,
            wake=self._worker.wake,
        )
        self.loops["worker"] = self._worker.run
        self.turns["worker"] = lambda: self._worker.last_turn

    def _replies(self) -> Replies:
        settings = self._settings
        return Replies(
            base_url=settings.telegram_api_url,
            tokens={one.bot.bot_id: one.token for one in settings.bots()},
            keeper=self._store,
            notice=self._notice,
        )

    def set_targets(self, targets: Sequence[Target]) -> None:
        """Deliver to these from now on, and look for work."""
        self._worker.set_targets(targets)

    def wake(self, target_ids: Iterable[int] | None = None) -> None:
        """There is new work for these targets; without ids: look at all."""
        self._worker.wake(target_ids)

    def hurry(self) -> None:
        """Cut what is in flight."""
        self._worker.hurry()
