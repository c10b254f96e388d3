"""The demo's surroundings: a simulated Telegram, three sample targets, and what each of them saw.

All of it is written to one folder, so that a run that was killed can be taken up again and the
ledger closes over all runs.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from typing import Self

from hookgram.demo import samples
from hookgram.demo.books import Books, read_store
from hookgram.demo.cast import BILLING, CAST, SHOP
from hookgram.demo.journal import Journal, read_journal
from hookgram.demo.ledger import Verdict, audit
from hookgram.demo.plot import Plot
from hookgram.demo.receiver import Receiver
from hookgram.demo.sender import Sender

FIRST = 100_000
"""The first update's id."""

TICK = 0.025
PATIENCE = 20.0
"""Seconds Telegram gets at the end to have its last updates acknowledged."""

SECRET = "the-demo-secret-of-telegram"  # noqa: S105  (loopback only, and no secret at all)
OUTBOUND_SECRET = "the-demo-secret-between-gateway-and-targets"  # noqa: S105


def updates() -> Iterator[bytes]:
    """Yield the demo's updates without end, always the same: each kind once, then as they come."""
    chance = random.Random(1)  # noqa: S311  (a simulation)
    for number, kind in enumerate(samples.KINDS, FIRST):
        yield samples.update(number, kind, chance.randrange(50), chance)
    yield from samples.updates(first=FIRST + len(samples.KINDS))


async def pause(seconds: float, unless: asyncio.Event) -> None:
    """Let so much time pass, or less when the event happens."""
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        pass  # it did not happen


class Stage:
    """Sets the targets up while it is entered; ``play`` lets Telegram post.

    *stop* ends the play early, *hurry* its last wait too. Raises OSError when the folder cannot be
    written.
    """

    def __init__(
        self, folder: Path, plot: Plot, *, stop: asyncio.Event, hurry: asyncio.Event
    ) -> None:
        self._folder = folder
        self._plot = plot
        self._stop = stop
        self._hurry = hurry
        self._stack = AsyncExitStack()
        self._stories = updates()
        self._raised = 0.0
        self._posted = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._events = self._journal("demo", stack)
            self._telegram = self._journal("telegram", stack)
            self._receivers = {
                part.name: Receiver(
                    part.name,
                    self._journal(part.name, stack),
                    behaviour=part.behaviour,
                    secret=OUTBOUND_SECRET,
                )
                for part in CAST
            }
            for receiver in self._receivers.values():
                await stack.enter_async_context(receiver)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _journal(self, name: str, stack: AsyncExitStack) -> Journal:
        journal = Journal(self._folder / f"{name}.jsonl", held=False)
        stack.callback(journal.close)
        return journal

    @property
    def urls(self) -> dict[str, str]:
        """Where each target receives, by its name."""
        return {name: receiver.url for name, receiver in self._receivers.items()}

    @property
    def elapsed(self) -> float:
        """Seconds since the play began; 0 before."""
        return time.monotonic() - self._raised if self._raised else 0.0

    async def play(self, url: str) -> None:
        """Post to the gateway at *url* as the plot says, until it or somebody ends it."""
        self._events.note("started")
        async with Sender(url, self._telegram, secret=SECRET) as sender:
            self._take_up(sender)
            self._raised = time.monotonic()
            while not (self._stop.is_set() or self._plot.over(self.elapsed)):
                self._post(sender)
                await self._let_billing(down=self._plot.down_for(self.elapsed) > 0)
                await pause(TICK, self._stop)
            if not self._stop.is_set():
                self._post(sender)
            await self._let_billing(down=False)
            end = time.monotonic() + PATIENCE
            while sender.left and time.monotonic() < end and not self._hurry.is_set():
                await pause(TICK, self._hurry)

    def _take_up(self, sender: Sender) -> None:
        """Post again what Telegram knows of and nobody has acknowledged."""
        known, ended = set(), set()
        for entry in read_journal(self._telegram.path):
            if entry["what"] == "posted":
                known.add(entry["update_id"])
            elif entry["what"] in {"acked", "gave_up"}:
                ended.add(entry["update_id"])
        for number, body in enumerate(islice(self._stories, len(known)), FIRST):
            if number not in ended:
                sender.post(body)

    def _post(self, sender: Sender) -> None:
        due = self._plot.posted(self.elapsed)
        for body in islice(self._stories, due - self._posted):
            sender.post(body)
        self._posted = due

    async def _let_billing(self, *, down: bool) -> None:
        receiver = self._receivers[BILLING.name]
        if down and receiver.listens:
            self._events.note("shut", target=BILLING.name)
            await receiver.shut()
        elif not down and not receiver.listens:
            await receiver.open()

    def audit(self, database: Path, *, slots: int) -> Verdict:
        """Close the books over every run in this folder, when nothing runs any more.

        A run that was cut and an outage can each have a target take again, under the same id,
        what was in the air: *slots* updates at most.
        """
        rows, counters = read_store(database)
        events = read_journal(self._events.path)
        cuts = sum(entry["what"] in {"started", "shut"} for entry in events) - 1
        books = Books(
            sent=read_journal(self._telegram.path),
            received={name: read_journal(r.journal.path) for name, r in self._receivers.items()},
            rows=rows,
            counters=counters,
        )
        return audit(
            books,
            duplicates_allowed=cuts * slots,
            may_be_dead=[SHOP.name],
            may_be_unsettled=self._hurry.is_set(),
        )
