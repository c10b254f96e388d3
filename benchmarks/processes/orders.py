"""The orders of a process that works on a store: one line of its input each, one line answers it.

It prints a number when it is ready; see ``children.Child``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from benchmarks.bodies import FIRST, body
from hookgram.core.identity import digest
from hookgram.core.model import Arrival, Event, Owed
from hookgram.core.reading import read

BOT = 123456
TARGET = 1
"""The id of a fresh store's first target."""


class Order(Struct, frozen=True):
    """What to do, how often, from which number on."""

    do: Literal["enqueue", "work"]
    count: int
    first: int = 0


class Spent(Struct):
    """How much was done, and the seconds that each step took."""

    count: int = 0
    enqueuing: list[float] = field(default_factory=list)
    claiming: list[float] = field(default_factory=list)
    settling: list[float] = field(default_factory=list)


class Done(Struct, frozen=True):
    """How an order went, from when to when (seconds of this machine's monotonic clock)."""

    began: float
    ended: float
    spent: Spent


Carry: TypeAlias = Callable[[Order], Awaitable[Spent]]


async def obey(carry: Carry) -> None:
    """Carry out orders until the input ends."""
    loop, orders = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print(0, flush=True)  # noqa: T201
    while line := await orders.readline():
        began = time.monotonic()
        spent = await carry(msgspec.json.decode(line, type=Order))
        done = Done(began, time.monotonic(), spent)
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
        sys.stdout.buffer.flush()


async def spread(at_once: int, calls: Iterable[Awaitable[object]]) -> list[float]:
    """Make the calls, so many at a time, and return how long each took."""
    waiting, waits = iter(calls), list[float]()

    async def one_after_another() -> None:
        for call in waiting:
            began = time.perf_counter()
            await call
            waits.append(time.perf_counter() - began)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return waits


def arrival(number: int) -> Arrival:
    """Return an update as the gateway hands it to its store."""
    posted = body(FIRST + number)
    reading = read(posted)
    assert reading is not None  # noqa: S101  (they are readable)
    event = Event(
        event_id=f"evt_{number:026d}",
        bot_id=BOT,
        update_id=reading.update_id,
        kind=reading.kind,
        chat_id=reading.chat_id,
        user_id=reading.user_id,
        lane=reading.lane,
        received_at=time.time_ns() // 1_000,
        expires_at=None,
        body=posted,
    )
    owed = Owed(target_id=TARGET, lane=reading.lane)
    return Arrival(event=event, digest=digest(reading.kind, reading.payload), owed=(owed,))
