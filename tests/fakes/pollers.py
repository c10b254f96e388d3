"""Pollers and their surroundings: a Bot API on loopback, a store in a file, an intake between."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from fakes.facts import Facts
from fakes.gateway import Process
from hookgram.core.access import Access
from hookgram.core.definition import Bot
from hookgram.demo.bot_api import FakeBotApi
from hookgram.store.sqlite import open_sqlite
from hookgram.telegram.duty import Shift
from hookgram.telegram.polling import Poller
from hookgram.usecases.intake import Intake, Limits

TOKEN = "123456:CANARY-CANARY-CANARY-CANARY"
BOT = Bot(name="default", bot_id=123456)


def wall_clock() -> int:
    return time.time_ns() // 1000


async def until(fact) -> None:
    """Look until a fact (a callable, perhaps a coroutine function) is true."""
    async with asyncio.timeout(10):
        while True:
            seen = fact()
            if await seen if asyncio.iscoroutine(seen) else seen:
                return
            await Process.breathe()


class Replica:
    """One process's share of a gateway: its store, its intake, its poller."""

    def __init__(self, name: str, server: FakeBotApi, path: Path) -> None:
        self.name = name
        self.server = server
        self.path = path
        self.facts = Facts()
        self.stop = asyncio.Event()
        self.access = Access(public=True)
        self.token = TOKEN
        self.long_poll = 5.0
        self.patience = 5.0
        self.base_url = server.url

    async def open(self) -> Replica:
        self.store = await open_sqlite(self.path, clock=wall_clock, shard=self.name)
        return self

    def start(self) -> None:
        intake = Intake(
            inbox=self.store,
            access=self.access,
            limits=Limits(0, 0),
            clock=wall_clock,
            entropy=os.urandom,
            notice=self.facts,
            wake=lambda _: None,
        )
        self.poller = Poller(
            bot=BOT,
            token=self.token,
            base_url=self.base_url,
            intake=intake,
            inbox=self.store,
            shift=Shift(self.store, "polling/123456", self.name, self.facts, renew=0.05),
            notice=self.facts,
            long_poll=self.long_poll,
            patience=self.patience,
        )
        self.running = asyncio.create_task(self.poller.run(self.stop))

    async def end(self) -> None:
        self.stop.set()
        if hasattr(self, "running"):
            await asyncio.wait_for(self.running, 10)

    async def close(self) -> None:
        await self.end()
        await self.store.close()

    async def events(self, count: int) -> list[bytes]:
        """Wait for so many events and return their bodies in their order."""

        async def there() -> bool:
            return (await self.store.counts()).get(("", "accepted"), 0) >= count

        await until(there)
        return await self.bodies()

    async def until_stored(self, body: bytes) -> list[bytes]:
        """Wait until the last event is this one and return all."""

        async def there() -> bool:
            return (await self.bodies())[-1:] == [body]

        await until(there)
        return await self.bodies()

    async def bodies(self) -> list[bytes]:
        def read(view):
            return [row[0] for row in view._db.execute("SELECT body FROM event ORDER BY seq")]

        return await self.store._reader.read(read)
