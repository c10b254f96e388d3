"""Claimed deliveries on their way: tried, settled, recorded, each in a task of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable

from hookgram.core.definition import Definition
from hookgram.core.facts import BreakerClosed, BreakerOpened, LeaseLost, TargetHeld
from hookgram.core.lifecycle import best_before, settle, why_not
from hookgram.core.model import SECOND, Attempt, Claim, Micros, Recorded
from hookgram.core.outcome import Dead, Delivered, Failure, Outcome, Released, Settlement
from hookgram.core.replying import Reply
from hookgram.core.retry import RetryPolicy
from hookgram.errors import StoreUnavailable
from hookgram.ports import Channel, Clock, Dice, Notice, Queue
from hookgram.worker.attempt import Tried, attempt
from hookgram.worker.desk import Desk
from hookgram.worker.ends import give_back, insist, settled_fact
from hookgram.worker.ready import InHand


class Deliveries:
    """The claims in hand: ready, tried, being recorded.

    ``look`` is told from when on a target may take more, or has work.
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
        look: Callable[[int, Micros], None],
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
        self._returning = 0
        self._stop = asyncio.Event()
        self._trouble: BaseException | None = None

    @property
    def count(self) -> int:
        """How many are in hand and not ready."""
        return len(self._tasks)

    @property
    def in_flight(self) -> int:
        """How many of these began: the others are being given back."""
        return len(self._tasks) - self._returning

    def check(self) -> None:
        """Raise what a delivery could not survive: StoreBroken, or a bug of ours."""
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble

    def heed(self, stop: asyncio.Event) -> None:
        """Begin nothing once *stop* is set: what is ready then is given back."""
        self._stop = stop

    def serve_all(self) -> None:
        """Serve those that have something ready: what may wait no longer is given back."""
        for desk in tuple(self._waiting):
            self.serve(desk)

    def serve(self, desk: Desk) -> None:
        """Start what is ready and has a slot; give back what may wait no longer."""
        now, at = self.clock(), time.monotonic()
        self._begin(desk, now, at)
        self._give_back_overdue(desk, now, at)
        if desk.ready.count:
            self._waiting.add(desk)
        else:
            self._waiting.discard(desk)

    def _begin(self, desk: Desk, now: Micros, at: float) -> bool:
        if self._stop.is_set():
            return False
        begun = desk.begin(now, at)
        for taken in begun:
            self._go(self._deliver(desk, taken))
        return bool(begun)

    def dismiss(self, desk: Desk) -> None:
        """Give back all that is ready: its target is not ours to try any more."""
        self.give_back(desk.ready.take_all())
        self._waiting.discard(desk)

    def _give_back_overdue(self, desk: Desk, now: Micros, at: float) -> None:
        stopping = self._stop.is_set()
        self.give_back(desk.ready.take_all() if stopping else desk.overdue(now, at))

    def give_back(self, claims: Iterable[InHand]) -> None:
        """Have these pending again as if never claimed; they share a commit."""
        stopping = self._stop.is_set()
        for taken in claims:
            self._returning += 1
            self._go(self._give_back(taken, stopping=stopping))

    async def _give_back(self, taken: InHand, *, stopping: bool) -> None:
        try:
            recorded = await give_back(self._queue, taken)
        finally:
            self._returning -= 1
        self.released += stopping and not recorded.lost
        if recorded.due is not None:
            self._look(taken.claim.target_id, recorded.due)

    def _go(self, way: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(way)
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

    async def _deliver(self, desk: Desk, taken: InHand) -> None:
        claim, definition = taken.claim, desk.definition
        now, at = self.clock(), time.monotonic()
        began, took = taken.now(at), 0
        useless = best_before(claim, skip_expired=definition.skip_expired)
        given_up = why_not(
            created_at=claim.created_at, best_before=useless, now=began, policy=definition.retry
        )
        tried: Tried | None = None
        try:
            if given_up is None:
                tried = await attempt(self, claim, definition, now)
                before, now, at = at, tried.ended_at, time.monotonic()
                took = int((at - before) * SECOND)
                self._learn(desk, tried, took)
        finally:
            desk.end(taken)
            self._go_on(desk, now, at)
        settlement = (
            self._settled(claim, tried, definition.retry, useless, began + took)
            if tried
            else Dead(reason=given_up or "", failures=claim.failures)
        )
        await self._record(desk, taken, settlement, tried, began + took)

    def _go_on(self, desk: Desk, now: Micros, at: float) -> None:
        """Give what came free to what is ready, and look for more."""
        if desk.ready.count and not self._begin(desk, now, at):
            self._give_back_overdue(desk, now, at)
        if desk.hungry and not desk.stocked:
            self._look(desk.target_id, now)

    async def _record(
        self, desk: Desk, taken: InHand, settlement: Settlement, tried: Tried | None, now: Micros
    ) -> None:
        kept = tried.attempt if tried else None
        desk.recording += 1
        try:
            recorded = await self._queue.settle(taken.claim, settlement, kept)
        except StoreUnavailable:
            recorded = await self._insist(desk, taken, settlement, kept)
        finally:
            if desk.recorded():
                self._go_on(desk, self.clock(), time.monotonic())
        if recorded.lost:
            self._tell_lost(desk, taken.claim)
            return
        self._tell(desk, taken.claim, settlement, tried, now)
        if tried is not None and tried.reply is not None and settlement == Delivered():
            self._reply(tried.reply)
        if recorded.due is not None:
            self._look(desk.target_id, recorded.due)

    async def _insist(
        self, desk: Desk, taken: InHand, settlement: Settlement, kept: Attempt | None
    ) -> Recorded:
        """Keep an end, and its slot, that the store cannot record now, until the lease ends."""
        desk.sending += 1
        try:
            return await insist(self._queue, taken, settlement, kept)
        finally:
            desk.sending -= 1
            self._go_on(desk, self.clock(), time.monotonic())

    def _settled(
        self,
        claim: Claim,
        tried: Tried,
        policy: RetryPolicy,
        useless: Micros | None,
        now: Micros,
    ) -> Settlement:
        return settle(
            tried.outcome,
            failures=claim.failures,
            created_at=claim.created_at,
            now=now,
            policy=policy,
            dice=self._dice(),
            best_before=useless,
        )

    def _learn(self, desk: Desk, tried: Tried, took: Micros) -> None:
        now, breaker, held = tried.ended_at, desk.breaker, desk.held_until
        desk.learn(tried.outcome, started_at=now - took, now=now)
        if desk.breaker is not breaker:
            self._tell_breaker(desk, now, was_open=breaker.is_open)
        if desk.held_until != held:
            self.notice(TargetHeld(target=desk.name, wait=desk.held_until - now))

    def _tell_breaker(self, desk: Desk, now: Micros, *, was_open: bool) -> None:
        """Tell what is new of a breaker that an answer changed."""
        breaker = desk.breaker
        if breaker.open_until is not None:
            wait = breaker.open_until - now
            self.notice(BreakerOpened(target=desk.name, failures=breaker.failures, wait=wait))
        elif was_open:
            self.notice(BreakerClosed(target=desk.name))

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
        if tried is not None and not isinstance(settlement, Delivered):
            self._count(settlement, tried.outcome)
        answer = tried.answer if tried else None
        self.notice(settled_fact(claim, desk.name, settlement, answer, now))

    def _count(self, settlement: Settlement, outcome: Outcome) -> None:
        if isinstance(settlement, Released):
            self.released += 1
        elif isinstance(outcome, Failure) and outcome.reason == "interrupted":
            self.interrupted += 1
