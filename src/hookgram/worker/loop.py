"""Claim, try, settle; rest until woken or due; land on stop.

One dispatcher serves all targets: it claims for those that have due work and free slots, in one
call, and for quick ones a few more that are ready when a slot comes free. Each attempt is a task.
An idle target is an entry in a dictionary and nothing else.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence

from hookgram.core.definition import Definition, Target
from hookgram.core.facts import WorkerStarted, WorkerStopped, WorkerStopping
from hookgram.core.kinds import is_interactive
from hookgram.core.model import SECOND, Claim, Claimed, Micros, Want
from hookgram.core.replying import Reply
from hookgram.errors import StoreUnavailable
from hookgram.ports import Channel, Clock, Dice, Notice, Queue
from hookgram.worker.agenda import Agenda
from hookgram.worker.delivery import Deliveries
from hookgram.worker.desk import Desk
from hookgram.worker.ready import InHand

LONGEST_REST: Micros = SECOND
LOOK_AGAIN: Micros = 30 * SECOND
"""A wake is a hint; looking at everything that is due, this often, is the guarantee."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
RECORDING_GRACE = 5.0
"""Seconds that recording gets after the last attempt was cut."""


class Worker:
    """Delivers what is due to the targets it was given, until it is told to stop.

    *reply* is given what a responder answered, once its delivery is settled and recorded.
    ``last_turn`` is the monotonic time, in seconds, at which its loop turned last: at least once a
    second while it lives and the store answers; infinite when it has ended.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        channel_for: Callable[[Definition], Channel],
        notice: Notice,
        clock: Clock,
        dice: Dice,
        breaker_failures: int,
        user_agent: str,
        grace: Micros,
        reply: Callable[[Reply], None] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._channel_for = channel_for
        self._notice = notice
        self._clock = clock
        self._breaker_failures = breaker_failures
        self._grace = grace / SECOND
        self._desks: dict[int, Desk] = {}
        self._agenda = Agenda()
        self._woken = asyncio.Event()
        self._look_at: Micros = 0
        self._latest: Micros = 0
        self._pause = FIRST_PAUSE
        self._deliveries = Deliveries(
            queue=queue,
            channel_for=channel_for,
            notice=notice,
            clock=clock,
            dice=dice,
            user_agent=user_agent,
            look=self._look,
            reply=reply,
        )
        self.last_turn = time.monotonic()

    def set_targets(self, targets: Sequence[Target]) -> None:
        """Work for these from now on; orphans and paused ones wait, those not named are left."""
        working = {t.target_id: t for t in targets if t.definition is not None and not t.paused}
        for target_id in self._desks.keys() - working.keys():
            self._deliveries.dismiss(self._desks.pop(target_id))
        for target_id, target in working.items():
            self._seat(target_id, target)
        self.wake()

    def _seat(self, target_id: int, target: Target) -> None:
        definition = target.definition
        if definition is None:
            return
        desk = self._desks.get(target_id)
        if desk is None:
            self._desks[target_id] = Desk(target, definition, self._breaker_failures)
        elif definition != desk.definition:
            self._deliveries.dismiss(desk)  # their leases were cut for another timeout
            desk.redefine(definition)

    def wake(self, target_ids: Iterable[int] | None = None) -> None:
        """There is new work for these targets; without ids: look at all."""
        if target_ids is None:
            self._look_at = 0
            self._deliveries.serve_all()
        else:
            self._agenda.add(target_ids)
        self._woken.set()

    def _look(self, target_id: int, at: Micros) -> None:
        """Look at *at* at a target that may then take more, or has work due."""
        if target_id in self._desks:
            self._agenda.at(at, target_id)
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop* is set (and the worker woken), then finish what is in the air.

        Raises StoreBroken when the store can no longer be trusted.
        """
        self._notice(WorkerStarted(targets=tuple(desk.name for desk in self._desks.values())))
        self._look_at = 0
        self._deliveries.heed(stop)
        while not stop.is_set():
            self.last_turn = time.monotonic()
            self._deliveries.check()
            self._woken.clear()
            try:
                await self._turn(stop)
                self._pause = FIRST_PAUSE
            except StoreUnavailable:
                await self._wait(self._pause, stop)
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
        await self._land()

    async def _turn(self, stop: asyncio.Event) -> None:
        now = self._clock()
        self._keep_time(now)
        self._deliveries.serve_all()
        if now >= self._look_at:
            await self._look_at_all(now)
        wants = self._wants(now)
        if wants:
            await self._claim(wants)
        else:
            await self._wait(self._agenda.rest(now, LONGEST_REST) / SECOND, stop)

    def _keep_time(self, now: Micros) -> None:
        """Notice a clock that was set back, which must not make a pause longer."""
        by, self._latest = self._latest - now, now
        if by > SECOND:
            self._look_at = 0
            for desk in self._desks.values():
                desk.set_back(by)

    async def _look_at_all(self, now: Micros) -> None:
        for target_id, due in (await self._queue.due()).items():
            self._agenda.at(due, target_id)
        self._look_at = now + LOOK_AGAIN

    def _wants(self, now: Micros) -> list[Want]:
        wants = []
        for target_id in self._agenda.take(now):
            desk = self._desks.get(target_id)
            want = desk.want(now) if desk else None
            if want is not None:
                wants.append(want)
            elif desk is not None:
                self._put_off(desk, now)
        return wants

    def _put_off(self, desk: Desk, now: Micros) -> None:
        """Look at it again when it opens, or when a slot of it is free."""
        until = desk.closed_until(now)
        if until is None:
            desk.hungry = True
        else:
            self._agenda.at(until, desk.target_id)

    async def _claim(self, wants: Sequence[Want]) -> None:
        try:
            claimed = await self._queue.claim(wants)
        except StoreUnavailable:
            self._agenda.add(want.target_id for want in wants)
            raise
        self._take(claimed.claims)
        self._look_again(wants, claimed)
        self._look_later(claimed)

    def _take(self, claims: Sequence[Claim]) -> None:
        """Take them in hand; those no longer ours to try are given back, after a stop all."""
        at = time.monotonic()
        served = set()
        for claim in claims:
            taken = InHand(claim, at, is_interactive(claim.event.kind))
            desk = self._desks.get(claim.target_id)
            if desk is None:
                self._deliveries.give_back([taken])
            else:
                desk.ready.add(taken)
                served.add(desk)
        for desk in served:
            self._deliveries.serve(desk)

    def _look_again(self, wants: Sequence[Want], claimed: Claimed) -> None:
        """Look again where a claim kept places and left work that has a slot by now."""
        for want in wants:
            desk = self._desks.get(want.target_id) if want.kept else None
            if desk is None:
                continue
            own = [claim for claim in claimed.claims if claim.target_id == want.target_id]
            if desk.left_some(want, own):
                self._agenda.add((want.target_id,))

    def _look_later(self, claimed: Claimed) -> None:
        """Look again when more is due: at once, but for work that another worker had first."""
        now = self._clock()
        brought = {claim.target_id for claim in claimed.claims}
        for target_id, due in claimed.due.items():
            desk = self._desks.get(target_id)
            if desk is None or due is None:
                continue
            lost = due <= now and target_id not in brought
            desk.losses = desk.losses + 1 if lost else 0
            self._agenda.at(now + desk.rest() if lost else due, target_id)

    async def _wait(self, seconds: float, stop: asyncio.Event) -> None:
        if stop.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def hurry(self) -> None:
        """Cut what is in flight, now: the grace is over."""
        for desk in self._desks.values():
            self._channel_for(desk.definition).interrupt()

    async def _land(self) -> None:
        """Give attempts their grace, then cut them, and record all of it."""
        self._notice(WorkerStopping(in_flight=self._deliveries.in_flight))
        self._deliveries.serve_all()
        end = time.monotonic() + self._grace
        while self._deliveries.count and (left := end - time.monotonic()) > 0:
            await self._deliveries.finished(min(left, 1.0))
            self.last_turn = time.monotonic()
        self.hurry()
        await self._deliveries.finished(RECORDING_GRACE)
        cut, released = self._deliveries.interrupted, self._deliveries.released
        await self._deliveries.abandon()
        self.last_turn = math.inf
        self._notice(WorkerStopped(released=released, interrupted=cut))
