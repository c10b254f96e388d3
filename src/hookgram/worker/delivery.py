"""Claimed deliveries on their way: tried, settled, recorded, each in a task of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from hookgram.core.definition import Definition
from hookgram.core.facts import BreakerClosed, BreakerOpened, DeliverySettled, LeaseLost, TargetHeld
from hookgram.core.lifecycle import best_before, settle, why_not
from hookgram.core.model import SECOND, Attempt, Claim, Micros, Recorded
from hookgram.core.outcome import (
    Answer,
    Dead,
    Delivered,
    Failure,
    Outcome,
    Released,
    Settlement,
)
from hookgram.core.replying import Reply
from hookgram.errors import StoreUnavailable
from hookgram.ports import Channel, Clock, Dice, Notice, Queue
from hookgram.worker.attempt import Tried, attempt
from hookgram.worker.desk import Desk

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0


class Deliveries:
    """The claims in hand. ``look`` is told when a target has a free slot or work next."""

    def __init__(
        self,
        *,
        queue: Queue,
        channel_for: Callable[[Definition], Channel],
        notice: Notice,
        clock: Clock,
        dice: Dice,
        user_agent: str,
        look: Callable[[int, Micros | None], None],
        reply: Callable[[Reply], None],
    ) -> None:
        self.channel_for = channel_for
        self.clock = clock
        self.notice = notice
        self.user_agent = user_agent
        self.released = 0
        self.interrupted = 0
        self._queue = queue
        self._dice = dice
        self._look = look
        self._reply = reply
        self._tasks: set[asyncio.Task[None]] = set()
        self._trouble: BaseException | None = None

    @property
    def count(self) -> int:
        """How many are in hand."""
        return len(self._tasks)

    def check(self) -> None:
        """Raise what a delivery could not survive: StoreBroken, or a bug of ours."""
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble

    def start(self, desk: Desk, claim: Claim) -> None:
        """Take the claim in hand; it holds a slot from now until it is answered."""
        desk.begin(claim)
        task = asyncio.create_task(self._deliver(desk, claim))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._trouble = task.exception()

    async def finished(self, seconds: float) -> None:
        """Wait until nothing is in hand, so long at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def abandon(self) -> None:
        """Drop what is still in hand: its leases will lapse."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.check()

    async def _deliver(self, desk: Desk, claim: Claim) -> None:
        began = time.monotonic()
        definition = desk.definition
        tried: Tried | None = None
        given_up = _why_not(claim, definition)
        try:
            if given_up is None:
                tried = await attempt(self, claim, definition)
                self._learn(desk, tried, began)
        finally:
            desk.end(claim)
            self._look(desk.target_id, None)
        # The store's clock, carried on by ours: leases and ages are judged by nothing else.
        now = claim.claimed_at + int((time.monotonic() - began) * SECOND)
        settlement = (
            Dead(reason=given_up or "", failures=claim.failures)
            if tried is None
            else self._settled(claim, tried, definition, now)
        )
        recorded = await self._record(desk, claim, settlement, tried, began)
        if recorded.lost:
            self._tell_lost(desk, claim)
        else:
            self._tell(desk, claim, settlement, tried, now)
            if tried is not None and tried.reply is not None and settlement == Delivered():
                self._reply(tried.reply)
            if recorded.due is not None:
                self._look(desk.target_id, recorded.due)

    def _settled(
        self, claim: Claim, tried: Tried, definition: Definition, now: Micros
    ) -> Settlement:
        return settle(
            tried.outcome,
            failures=claim.failures,
            created_at=claim.created_at,
            now=now,
            policy=definition.retry,
            dice=self._dice(),
            best_before=best_before(claim, skip_expired=definition.skip_expired),
        )

    def _learn(self, desk: Desk, tried: Tried, began: float) -> None:
        now = self.clock()
        was_open, held = desk.breaker.is_open, desk.held_until
        waited = desk.breaker.open_until
        started_at = now - int((time.monotonic() - began) * SECOND)
        desk.learn(tried.outcome, started_at=started_at, now=now)
        opened = desk.breaker.open_until
        if opened is not None and opened != waited:
            wait = opened - now
            self.notice(BreakerOpened(target=desk.name, failures=desk.breaker.failures, wait=wait))
        elif was_open and not desk.breaker.is_open:
            self.notice(BreakerClosed(target=desk.name))
        if desk.held_until != held:
            self.notice(TargetHeld(target=desk.name, wait=desk.held_until - now))

    async def _record(
        self, desk: Desk, claim: Claim, settlement: Settlement, tried: Tried | None, began: float
    ) -> Recorded:
        """Record it; while the store cannot, keep it and its slot until the lease ends."""
        kept: Attempt | None = tried.attempt if tried else None
        lease = (claim.leased_until - claim.claimed_at) / SECOND
        desk.recording += 1
        try:
            return await self._queue.settle(claim, settlement, kept)
        except StoreUnavailable:
            desk.sending += 1
            try:
                return await self._insist(claim, settlement, kept, began + lease)
            finally:
                desk.sending -= 1
        finally:
            desk.recording -= 1
            self._look(desk.target_id, None)

    async def _insist(
        self, claim: Claim, settlement: Settlement, kept: Attempt | None, until: float
    ) -> Recorded:
        pause = FIRST_PAUSE
        while time.monotonic() < until:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                return await self._queue.settle(claim, settlement, kept)
            except StoreUnavailable:
                continue
        return Recorded(lost=True)

    def _tell_lost(self, desk: Desk, claim: Claim) -> None:
        self.notice(
            LeaseLost(
                seq=claim.event.seq,
                delivery_id=claim.delivery_id,
                target=desk.name,
                attempt=claim.attempt,
            )
        )

    def _tell(
        self, desk: Desk, claim: Claim, settlement: Settlement, tried: Tried | None, now: Micros
    ) -> None:
        self._count(settlement, tried.outcome if tried else None)
        answer = tried.answer if tried else None
        self.notice(settled_fact(claim, desk.name, settlement, answer, now))

    def _count(self, settlement: Settlement, outcome: Outcome | None) -> None:
        if isinstance(settlement, Released):
            self.released += 1
        elif isinstance(outcome, Failure) and outcome.reason == "interrupted":
            self.interrupted += 1


def _why_not(claim: Claim, definition: Definition) -> str | None:
    """Tell why a claimed delivery is not tried at all."""
    return why_not(
        created_at=claim.created_at,
        best_before=best_before(claim, skip_expired=definition.skip_expired),
        now=claim.claimed_at,
        policy=definition.retry,
    )


def settled_fact(
    claim: Claim, target: str, settlement: Settlement, answer: Answer | None, now: Micros
) -> DeliverySettled:
    """State that a claimed delivery is settled at *now*."""
    event = claim.event
    return DeliverySettled(
        seq=event.seq,
        event_id=event.event_id,
        update_id=event.update_id,
        bot_id=event.bot_id,
        kind=event.kind,
        delivery_id=claim.delivery_id,
        target=target,
        attempt=claim.attempt,
        settlement=settlement,
        answer=answer,
        took=answer.took if answer else 0,
        latency=max(now - event.received_at, 0),
    )
