"""Claimed deliveries on their way: tried, settled, recorded, each in a task of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable

from hookgram.core.definition import Definition
from hookgram.core.facts import BreakerClosed, BreakerOpened, LeaseLost, TargetHeld
from hookgram.core.lifecycle import best_before, settle, why_not
from hookgram.core.model import SECOND, Claim, Micros
from hookgram.core.outcome import Dead, Delivered, Failure, Outcome, Released, Settlement
from hookgram.core.replying import Reply
from hookgram.ports import Channel, Clock, Dice, Notice, Queue
from hookgram.worker.attempt import Tried, attempt
from hookgram.worker.desk import Desk
from hookgram.worker.ends import give_back, record, settled_fact
from hookgram.worker.ready import Taken


class Deliveries:
    """The claims in hand: ready, tried, being recorded.

    ``look`` is told when a target may take more, or has work next.
    """

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
        """Given back because the worker stops."""
        self.interrupted = 0
        self._queue = queue
        self._dice = dice
        self._look = look
        self._reply = reply
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[Desk] = set()
        """Those that have something ready, so that the others cost nothing."""
        self._landing = False
        self._trouble: BaseException | None = None

    @property
    def count(self) -> int:
        """How many are in hand and not ready."""
        return len(self._tasks)

    def check(self) -> None:
        """Raise what a delivery could not survive: StoreBroken, or a bug of ours."""
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble

    def serve_all(self) -> None:
        """Serve those that have something ready: what waited too long is given back."""
        for desk in tuple(self._waiting):
            self.serve(desk)

    def serve(self, desk: Desk) -> None:
        """Start what is ready and has a slot; give back what may wait no longer."""
        if not desk.ready:
            return
        now, at = self.clock(), time.monotonic()
        while (taken := desk.next(now, at)) is not None:
            desk.begin(taken.claim)
            self._go(self._deliver(desk, taken))
        self.give_back(desk.overdue(now, at))
        if desk.ready:
            self._waiting.add(desk)
        else:
            self._waiting.discard(desk)

    def dismiss(self, desk: Desk) -> None:
        """Give back all that is ready: its target is not ours to try any more."""
        self.give_back(desk.ready.take_all())
        self._waiting.discard(desk)

    def land(self) -> None:
        """Start nothing any more: give back all that is ready."""
        self._landing = True
        for desk in tuple(self._waiting):
            self.dismiss(desk)

    def give_back(self, claims: Iterable[Taken]) -> None:
        """Have these pending again as if never claimed; they share a commit."""
        for taken in claims:
            self._go(self._give_back(taken))

    async def _give_back(self, taken: Taken) -> None:
        recorded = await give_back(self._queue, taken)
        self.released += self._landing and not recorded.lost
        if recorded.due is not None:
            self._look(taken.claim.target_id, recorded.due)

    def _go(self, way: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(way)
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

    async def _deliver(self, desk: Desk, taken: Taken) -> None:
        claim, definition = taken.claim, desk.definition
        began = time.monotonic()
        tried: Tried | None = None
        given_up = _why_not(claim, definition, taken.now(began))
        try:
            if given_up is None:
                tried = await attempt(self, claim, definition)
                self._learn(desk, tried, began)
        finally:
            desk.end(claim)
            self._go_on(desk)
        now = taken.now(time.monotonic())
        settlement = (
            Dead(reason=given_up or "", failures=claim.failures)
            if tried is None
            else self._settled(claim, tried, definition, now)
        )
        await self._record(desk, taken, settlement, tried, now)

    def _go_on(self, desk: Desk) -> None:
        """Give the slot that came free to what is ready, and look for more."""
        self.serve(desk)
        self._look(desk.target_id, None)

    async def _record(
        self, desk: Desk, taken: Taken, settlement: Settlement, tried: Tried | None, now: Micros
    ) -> None:
        claim = taken.claim
        try:
            kept = tried.attempt if tried else None
            recorded = await record(self._queue, desk, taken, settlement, kept)
        finally:
            self._go_on(desk)
        if recorded.lost:
            self._tell_lost(desk, claim)
            return
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


def _why_not(claim: Claim, definition: Definition, now: Micros) -> str | None:
    """Tell why a claimed delivery is not tried at all."""
    return why_not(
        created_at=claim.created_at,
        best_before=best_before(claim, skip_expired=definition.skip_expired),
        now=now,
        policy=definition.retry,
    )
