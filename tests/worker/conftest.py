"""A worker at a real store, with scripted channels and a clock that can be set forward."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from fakes.facts import Facts
from fakes.scripted_channel import ScriptedChannel
from hookgram.core.definition import Definition, Origin
from hookgram.core.kinds import KINDS
from hookgram.core.model import SECOND, Arrival, Event, Owed
from hookgram.core.retry import RetryPolicy
from hookgram.store.sqlite import open_sqlite
from hookgram.worker.caretaker import Caretaker
from hookgram.worker.lapses import Lapses
from hookgram.worker.loop import Worker

HOUR = 3600 * SECOND


class Clock:
    """The machine's clock, set forward by the test."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.ahead


class Shop:
    """A store, a worker, and what they are made of."""

    def __init__(self, store, clock) -> None:
        self.store = store
        self.clock = clock
        self.facts = Facts()
        self.channels: dict[str, ScriptedChannel] = {}
        self.targets = {}
        self.numbers = iter(range(1, 1_000_000))
        self.queue = store
        self.stop = asyncio.Event()

    def channel_for(self, definition: Definition) -> ScriptedChannel:
        return self.channels.setdefault(definition.name, ScriptedChannel())

    async def target(self, name: str, **how) -> ScriptedChannel:
        """Add a target and return its channel."""
        how.setdefault("retry", RetryPolicy(waits=(10_000,) * 5, max_age=HOUR, spread=0))
        definition = Definition(name=name, urls=("http://127.0.0.1:9/",), origin=Origin.ENV, **how)
        known = [target.definition for target in self.targets.values() if target.definition]
        found = await self.store.register([*known, definition])
        self.targets = {target.name: target for target in found}
        return self.channel_for(definition)

    async def accept(
        self, *names: str, lane: str | None = None, kind: str = "message", life=None, **how
    ) -> int:
        """Accept an update for targets and return its number."""
        number = next(self.numbers)
        body = b'{"update_id":%d,"%s":{"date":1,"chat":{"id":1}}}' % (number, kind.encode())
        event = Event(
            event_id=f"evt_{number}",
            bot_id=1,
            update_id=number,
            kind=kind,
            chat_id=1,
            user_id=None,
            lane=lane,
            received_at=self.clock(),
            expires_at=None if life is None else self.clock() + life,
            body=body,
        )
        ids = [self.targets[name].target_id for name in names]
        how.setdefault("priority", KINDS[kind].priority)
        owed = tuple(Owed(target_id=one, lane=lane, **how) for one in ids)
        key = number.to_bytes(16, "big")
        [seq] = await self.store.accept((Arrival(event=event, digest=key, owed=owed),))
        return seq

    def worker(self, **how) -> Worker:
        settings = {"breaker_failures": 0, "grace": SECOND} | how
        worker = Worker(
            queue=self.queue,
            channel_for=self.channel_for,
            notice=self.facts,
            clock=self.clock,
            dice=lambda: 0.0,
            user_agent="hookgram/test",
            **settings,
        )
        worker.set_targets(list(self.targets.values()))
        return worker

    def caretaker(self, wake=lambda _: None, **how) -> Caretaker:
        settings = {"retention": HOUR, "dead_retention": HOUR, "dedup": HOUR, "often": 20_000}
        lapses = Lapses(
            queue=self.store,
            target_of={t.target_id: t for t in self.targets.values()}.get,
            notice=self.facts,
            dice=lambda: 0.0,
            wake=wake,
        )
        parts = {"upkeep": self.store, "lapses": lapses}
        return Caretaker(notice=self.facts, clock=self.clock, **(parts | settings | how))

    @asynccontextmanager
    async def at_work(self, **how):
        """Run a worker while the block runs, then stop it and let it land."""
        worker = self.worker(**how)
        task = asyncio.create_task(worker.run(self.stop))
        try:
            yield worker
        finally:
            self.stop.set()
            worker.wake()
            async with asyncio.timeout(10):
                await task
            self.stop = asyncio.Event()


@pytest.fixture
async def shop(tmp_path):
    clock = Clock()
    store = await open_sqlite(tmp_path / "events.db", clock=clock)
    yield Shop(store, clock)
    await store.close()


@pytest.fixture
def patience(monkeypatch):
    """Have nothing that is ready be late but where a test says so."""
    monkeypatch.setattr("hookgram.worker.desk.LONGEST_READY", 1000.0)


@pytest.fixture
def sleepy(monkeypatch):
    """Have the worker look at nothing that it is not told of."""
    monkeypatch.setattr("hookgram.worker.loop.LONGEST_REST", 1000 * SECOND)
