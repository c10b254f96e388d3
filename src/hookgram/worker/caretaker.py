"""Settles what vanished workers held, forgets what is old enough, keeps the store's log short."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable

from hookgram.core.definition import Target
from hookgram.core.facts import EventsForgotten, LeaseLapsed
from hookgram.core.lifecycle import best_before, settle
from hookgram.core.model import HOUR, MINUTE, SECOND, Claim, Forgotten, Micros
from hookgram.core.outcome import Dead, Failure
from hookgram.core.retry import RetryPolicy
from hookgram.errors import StoreUnavailable
from hookgram.ports import Clock, Dice, Notice, Queue, Upkeep
from hookgram.worker.delivery import settled_fact

LEASE: Micros = 30 * SECOND
BATCH = 100
ORPHANS = RetryPolicy.doubling(base=2, retries=5, max_age=72 * HOUR)
"""For deliveries of targets that no configuration names now."""


class Caretaker:
    """Looks for lapsed leases every *often*, for what to forget every *seldom* (microseconds).

    ``target_of`` knows the targets by their ids. ``last_turn`` is monotonic seconds,
    infinite when it has ended.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        upkeep: Upkeep,
        target_of: Callable[[int], Target | None],
        notice: Notice,
        clock: Clock,
        dice: Dice,
        retention: Micros,
        dead_retention: Micros,
        dedup: Micros,
        wake: Callable[[Iterable[int]], None],
        often: Micros = 2 * SECOND,
        seldom: Micros = MINUTE,
    ) -> None:
        self._queue = queue
        self._upkeep = upkeep
        self._target_of = target_of
        self._notice = notice
        self._clock = clock
        self._dice = dice
        self._keep = {"retention": retention, "dead_retention": dead_retention, "dedup": dedup}
        self._wake = wake
        self._often = often
        self._seldom = seldom
        self._forget_at: Micros = 0
        self.last_turn = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Look after things until *stop*. Raises StoreBroken when the store cannot be trusted."""
        while not stop.is_set():
            self.last_turn = time.monotonic()
            try:
                await self._settle_lapsed()
                await self._forget(stop)
                await self._upkeep.checkpoint()
            except StoreUnavailable:
                pass  # the pulse tells; the next turn is the next try
            await self._rest(stop)
        self.last_turn = math.inf

    async def _rest(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._often / SECOND):
                await stop.wait()
        except TimeoutError:
            return

    async def _settle_lapsed(self) -> None:
        while True:
            claims = await self._queue.claim_lapsed(limit=BATCH, lease=LEASE)
            for claim in claims:
                await self._settle(claim)
            if len(claims) < BATCH:
                return

    async def _settle(self, claim: Claim) -> None:
        """Count the try of a worker that vanished as a failure like any other."""
        target = self._target_of(claim.target_id)
        name = target.name if target else f"#{claim.target_id}"
        definition = target.definition if target else None
        settlement = settle(
            Failure(reason="lapsed"),
            failures=claim.failures,
            created_at=claim.created_at,
            now=claim.claimed_at,
            policy=definition.retry if definition else ORPHANS,
            dice=self._dice(),
            best_before=best_before(claim, skip_expired=definition.skip_expired)
            if definition
            else None,
        )
        recorded = await self._queue.settle(claim, settlement, None)
        if recorded.lost:
            return
        self._notice(
            LeaseLapsed(
                seq=claim.event.seq,
                delivery_id=claim.delivery_id,
                target=name,
                attempt=claim.attempt,
            )
        )
        if isinstance(settlement, Dead):
            self._notice(settled_fact(claim, name, settlement, None, claim.claimed_at))
        self._wake((claim.target_id,))

    async def _forget(self, stop: asyncio.Event) -> None:
        """Take one small step after another, so that others get their turns."""
        if self._clock() < self._forget_at:
            return
        total = Forgotten(more=True)
        while total.more and not stop.is_set():
            self.last_turn = time.monotonic()
            step = await self._upkeep.forget(**self._keep)
            total = Forgotten(
                events=total.events + step.events, dead=total.dead + step.dead, more=step.more
            )
        self._forget_at = self._clock() + self._seldom
        if total.events or total.dead:
            self._notice(EventsForgotten(events=total.events, dead=total.dead))
