"""The composition root: the one file that knows every room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from hookgram import __version__
from hookgram.app.ways_in import Loop, WaysIn
from hookgram.app.ways_out import WaysOut
from hookgram.core.definition import Target
from hookgram.core.facts import Fact, GatewayStarted, IngestRejected, StoreFailed
from hookgram.core.model import MINUTE, Micros
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.observe.notices import fan
from hookgram.observe.watchdog import Watchdog
from hookgram.ports import Clock, Journal, Notice, Store
from hookgram.settings import Settings, risks
from hookgram.store.opening import hints_from, hints_to, open_file, open_shared
from hookgram.web.door import Door
from hookgram.web.exchange import Asgi
from hookgram.web.server import create_app
from hookgram.worker.caretaker import SELDOM, Caretaker
from hookgram.worker.overdue import Overdue
from hookgram.worker.pulse import Pulse
from hookgram.worker.supervise import supervise

FORGETS_LAST: Micros = 10 * MINUTE
"""How seldom who only takes updates looks for what to forget: a worker does it each minute."""
READ_AGAIN = 1.0
"""Seconds after which a change is read again that the store could not tell."""


def wall_clock() -> Micros:
    """Tell the time of this machine."""
    return time.time_ns() // 1000


class Gateway:
    """A whole gateway, or its process of one role: store, ways in, ways out, what looks after them.

    ``open`` starts it, ``stop`` makes it claim no more, ``close`` lands and ends it. ``broken`` is
    set when the store can no longer be trusted: whoever runs the gateway must then end the process
    with exit code 74.
    """

    def __init__(self, settings: Settings, notice: Notice, flush: Callable[[], None]) -> None:
        self._settings = settings
        self._role = settings.part
        self._flush = flush
        self._notice = notice
        self._resources = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._stale = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._targets: dict[int, Target] = {}
        self._ways_in: WaysIn | None = None
        self._ways_out: WaysOut | None = None
        self._admitted = False
        self.broken = asyncio.Event()

    async def open(self) -> Asgi:
        """Open the store, take over what a predecessor left, start to work; return the ASGI app.

        Raises StoreInUse when another gateway holds the store, StoreError when it cannot be used.
        """
        async with AsyncExitStack() as stack:
            self._store, self._clock = await self._open_store(stack)
            await self._build(stack)
            self._build_care()
            self._store.on_change(self._stale.set)  # before the reading: nothing falls between
            if self._ways_out is not None:
                self._store.on_work(self._ways_out.wake)
            await self._read_targets()
            if self._ways_in is not None:
                await self._ways_in.open()
            self._start(stack)
            self._resources = stack.pop_all()
        return self._app()

    async def _open_store(self, stack: AsyncExitStack) -> tuple[Store, Clock]:
        url = self._settings.shared_database
        if url is not None:
            return await open_shared(url, stack, direct=self._settings.direct_database)
        path = Path(self._settings.sqlite_path)
        return await open_file(path, self._role, wall_clock, stack)

    async def _build(self, stack: AsyncExitStack) -> None:
        """Make the ways that the role asks for."""
        settings, store, clock, notice = self._settings, self._store, self._clock, self._notice
        if self._role.delivers:
            self._ways_out = WaysOut(settings, store, clock, notice, self._targets.get)
            await self._ways_out.open(stack)
        if self._role.takes:
            self._ways_in = WaysIn(settings, store, clock, notice, self._waker(stack))
        elif self._ways_out is not None and settings.shared_database is None:
            hints_from(Path(settings.sqlite_path), self._ways_out.wake, stack)

    def _waker(self, stack: AsyncExitStack) -> Callable[[Iterable[int]], None]:
        """Return what has delivered at once what came in."""
        if self._ways_out is not None:
            return self._ways_out.wake
        if self._settings.shared_database is None:
            return hints_to(Path(self._settings.sqlite_path), stack)
        return lambda _: None  # workers ask the database, or it tells them

    def _build_care(self) -> None:
        """Make what looks after the store, whatever the role."""
        settings, store, clock, notice = self._settings, self._store, self._clock, self._notice
        self._pulse = Pulse(store, notice)
        self._caretaker = Caretaker(
            upkeep=store,
            lapses=self._ways_out.lapses if self._ways_out else None,
            notice=notice,
            clock=clock,
            retention=settings.retention,
            dead_retention=settings.dead_retention,
            dedup=settings.dedup,
            seldom=SELDOM if self._role.delivers else FORGETS_LAST,
        )
        self._overdue = Overdue(
            queue=store, target_of=self._targets.get, notice=notice, clock=clock
        )

    async def _read_targets(self) -> None:
        """Read targets and chats, and give them to those who work with them."""
        targets = await self._store.register(self._settings.definitions())
        self._targets.clear()
        self._targets.update({target.target_id: target for target in targets})
        chats = await self._store.chats()
        self._admitted = bool(chats.authorised)
        if self._ways_in is not None:
            self._ways_in.set_book(targets, chats)
        if self._ways_out is not None:
            self._ways_out.set_targets(targets)

    def _start(self, stack: AsyncExitStack) -> None:
        turns: dict[str, Callable[[], float]] = {"caretaker": lambda: self._caretaker.last_turn}
        loops: dict[str, Loop] = {
            "caretaker": self._caretaker.run,
            "pulse": self._pulse.run,
            "targets": self._follow_changes,
        }
        if not self._role.delivers:
            loops["overdue work"] = self._overdue.run
        for way in (self._ways_out, self._ways_in):
            if way is not None:
                turns |= way.turns
                loops |= way.loops
        self._watchdog = stack.enter_context(Watchdog(turns, self._notice, self._flush))
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
            doors=self._ways_in.doors if self._ways_in else self._closed_doors(),
            intake=self._ways_in.intake if self._ways_in else None,
            journal=self._store,
            not_ready=self.not_ready,
            public_mode=settings.public_mode,
            max_body=settings.max_body,
            notice=fan(self._notice, self._listen),
        )

    def _closed_doors(self) -> dict[str, Door]:
        """Name the places where others take updates, for those who post them here."""
        return {one.path: Door(bot=one.bot, secret=None) for one in self._settings.bots()}

    def tell_start(self, host: str | None = None, port: int | None = None) -> None:
        """Tell what runs, and what should be known about it."""
        targets = self._targets.values()
        self._notice(
            GatewayStarted(
                version=__version__,
                role=self._role.value,
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
        if self._ways_out is not None:
            self._ways_out.wake()

    def hurry(self) -> None:
        """Cut what is in flight."""
        if self._ways_out is not None:
            self._ways_out.hurry()

    async def close(self) -> None:
        """Land what is in flight within the grace, then close everything."""
        self.stop()
        await asyncio.gather(*self._loops)
        try:
            await self._resources.aclose()
        except StoreBroken as error:  # its last checkpoint failed
            self._break(error)
