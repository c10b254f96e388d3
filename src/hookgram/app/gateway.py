"""The composition root: the one file that knows every room."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from hookgram import __version__
from hookgram.app.entropy import Entropy
from hookgram.app.ways_in import WaysIn
from hookgram.channels.registry import Channels
from hookgram.core.definition import Target
from hookgram.core.facts import Fact, GatewayStarted, IngestRejected, StoreFailed
from hookgram.core.model import Micros
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.observe.notices import fan
from hookgram.observe.watchdog import Watchdog
from hookgram.ports import Clock, Journal, Notice, Store
from hookgram.settings import Settings, expressions, risks
from hookgram.store.opening import open_owned, open_shared
from hookgram.telegram.replies import Replies
from hookgram.usecases.intake import Intake, Limits
from hookgram.web.ingest import Asgi
from hookgram.web.server import create_app
from hookgram.worker.caretaker import Caretaker
from hookgram.worker.loop import Worker
from hookgram.worker.pulse import Pulse
from hookgram.worker.supervise import supervise

USER_AGENT = f"hookgram/{__version__}"
READ_AGAIN = 1.0
"""Seconds after which a change is read again that the store could not tell."""


def wall_clock() -> Micros:
    """Tell the time of this machine."""
    return time.time_ns() // 1000


class Gateway:
    """A whole gateway: store, intake, worker and what looks after them.

    ``open`` starts it, ``stop`` makes it claim no more, ``close`` lands and ends it. ``broken`` is
    set when the store can no longer be trusted: whoever runs the gateway must then end the process
    with exit code 74.
    """

    def __init__(self, settings: Settings, notice: Notice, flush: Callable[[], None]) -> None:
        self._settings = settings
        self._flush = flush
        self._notice = fan(notice, self._listen)
        self._resources = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._stale = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._targets: dict[int, Target] = {}
        self._admitted = False
        self.broken = asyncio.Event()

    async def open(self) -> Asgi:
        """Open the store, take over what a predecessor left, start to work; return the ASGI app.

        Raises StoreInUse when another gateway holds the store, StoreError when it cannot be used.
        """
        async with AsyncExitStack() as stack:
            self._store, self._clock = await self._open_store(stack)
            channels = Channels()
            stack.push_async_callback(channels.close)
            replies = await stack.enter_async_context(self._replies())
            self._build(channels, replies)
            self._store.on_change(self._stale.set)  # before the reading: nothing falls between
            await self._read_targets()
            await self._ways_in.open(self._intake)
            self._start(stack)
            self._resources = stack.pop_all()
        return self._app()

    async def _open_store(self, stack: AsyncExitStack) -> tuple[Store, Clock]:
        url = self._settings.shared_database
        if url is not None:
            return await open_shared(url, stack)
        return await open_owned(Path(self._settings.sqlite_path), wall_clock, stack)

    def _replies(self) -> Replies:
        settings = self._settings
        return Replies(
            base_url=settings.telegram_api_url,
            tokens={one.bot.bot_id: one.token for one in settings.bots()},
            keeper=self._store,
            notice=self._notice,
        )

    def _build(self, channels: Channels, replies: Replies) -> None:
        settings, store, notice = self._settings, self._store, self._notice
        self._pulse = Pulse(store, notice)
        self._worker = Worker(
            queue=store,
            channel_for=channels.channel_for,
            notice=notice,
            clock=self._clock,
            dice=random.random,
            breaker_failures=settings.breaker_failures,
            user_agent=USER_AGENT,
            grace=settings.shutdown_grace,
            reply=replies.take,
        )
        self._intake = Intake(
            inbox=store,
            access=settings.access(),
            limits=Limits(settings.rate_limit_per_min, settings.rate_limit_max_delay),
            clock=self._clock,
            entropy=Entropy(),
            notice=notice,
            wake=self._worker.wake,
            search=expressions.search,
            book=store,
        )
        self._ways_in = WaysIn(settings, store, self._clock, notice)
        self._caretaker = Caretaker(
            queue=store,
            upkeep=store,
            target_of=self._targets.get,
            notice=notice,
            clock=self._clock,
            dice=random.random,
            retention=settings.retention,
            dead_retention=settings.dead_retention,
            dedup=settings.dedup,
            wake=self._worker.wake,
        )

    async def _read_targets(self) -> None:
        """Read targets and chats, and give them to those who work with them."""
        targets = await self._store.register(self._settings.definitions())
        self._targets.clear()
        self._targets.update({target.target_id: target for target in targets})
        self._intake.set_targets(targets)
        chats = await self._store.chats()
        self._intake.set_chats(chats)
        self._admitted = bool(chats.authorised)
        self._worker.set_targets(targets)

    def _start(self, stack: AsyncExitStack) -> None:
        turns = {
            "worker": lambda: self._worker.last_turn,
            "caretaker": lambda: self._caretaker.last_turn,
            **self._ways_in.turns,
        }
        self._watchdog = stack.enter_context(Watchdog(turns, self._notice, self._flush))
        loops = {
            "worker": self._worker.run,
            "caretaker": self._caretaker.run,
            "pulse": self._pulse.run,
            "targets": self._follow_changes,
            **self._ways_in.loops,
        }
        self._loops = [
            asyncio.create_task(self._supervised(name, run), name=name)
            for name, run in loops.items()
        ]

    async def _supervised(self, name: str, run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        try:
            await supervise(name, run, self._stopping, self._notice)
        except StoreBroken as error:
            self._break(error)

    def _break(self, error: StoreBroken) -> None:
        """Tell once that the store is broken, whoever met it first."""
        if not self.broken.is_set():
            self._notice(StoreFailed(reason=str(error), broken=True))
            self.broken.set()

    async def _follow_changes(self, stop: asyncio.Event) -> None:
        """Read the targets again, and look for work, when another process changed the store."""
        while not stop.is_set():
            await self._stale.wait()
            self._stale.clear()
            if stop.is_set():
                return
            try:
                await self._read_targets()
            except StoreUnavailable:  # the pulse tells; nobody tells this change again
                asyncio.get_running_loop().call_later(READ_AGAIN, self._stale.set)

    def _listen(self, fact: Fact) -> None:
        if isinstance(fact, IngestRejected) and fact.status == 503:
            self._pulse.nudge()

    def _app(self) -> Asgi:
        settings = self._settings
        return create_app(
            doors=self._ways_in.doors,
            intake=self._intake,
            journal=self._store,
            not_ready=self.not_ready,
            public_mode=settings.public_mode,
            max_body=settings.max_body,
            notice=self._notice,
        )

    def tell_start(self, host: str | None = None, port: int | None = None) -> None:
        """Tell what runs, and what should be known about it."""
        targets = self._targets.values()
        self._notice(
            GatewayStarted(
                version=__version__,
                host=host,
                port=port,
                public_mode=self._settings.public_mode,
                bots=tuple(one.bot.name for one in self._settings.bots()),
                targets=tuple(target.name for target in targets if target.definition),
            )
        )
        orphans = [target.name for target in targets if target.definition is None]
        for warning in risks(self._settings, orphans):
            if warning.code != "nobody_admitted" or not self._admitted:
                self._notice(warning)

    @property
    def journal(self) -> Journal:
        """What people read of the store, between ``open`` and ``close``."""
        return self._store

    def not_ready(self) -> list[str]:
        """Why no traffic should come here now; empty when it should."""
        reasons = ["it is stopping"] if self._stopping.is_set() else []
        if self._pulse.reason is not None:
            reasons.append(f"the store does not commit: {self._pulse.reason}")
        return reasons + [f"the {name} stands still" for name in self._watchdog.stalled()]

    def stop(self) -> None:
        """Claim no more and be not ready; what is in flight goes on."""
        self._stopping.set()
        self._stale.set()
        self._pulse.nudge()
        self._worker.wake()

    def hurry(self) -> None:
        """Cut what is in flight."""
        self._worker.hurry()

    async def close(self) -> None:
        """Land what is in flight within the grace, then close everything."""
        self.stop()
        await asyncio.gather(*self._loops)
        try:
            await self._resources.aclose()
        except StoreBroken as error:  # its last checkpoint failed
            self._break(error)
