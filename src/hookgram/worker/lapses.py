"""Settles what vanished workers held: their tries count as failures like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hookgram.core.definition import Target
from hookgram.core.facts import LeaseLapsed
from hookgram.core.lifecycle import best_before, settle
from hookgram.core.model import HOUR, SECOND, Claim, Micros
from hookgram.core.outcome import Dead, Failure
from hookgram.core.retry import RetryPolicy
from hookgram.ports import Dice, Notice, Queue
from hookgram.worker.ends import settled_fact

LEASE: Micros = 30 * SECOND
BATCH = 100
ORPHANS = RetryPolicy.doubling(base=2, retries=5, max_age=72 * HOUR)
"""For deliveries of targets that no configuration names now."""


class Lapses:
    """Looks for claims whose lease has ended. ``target_of`` knows the targets by their ids."""

    def __init__(
        self,
        *,
        queue: Queue,
        target_of: Callable[[int], Target | None],
        notice: Notice,
        dice: Dice,
        wake: Callable[[Iterable[int]], None],
    ) -> None:
        self._queue = queue
        self._target_of = target_of
        self._notice = notice
        self._dice = dice
        self._wake = wake

    async def settle(self) -> None:
        """Settle all there are. Raises what the store raises."""
        while True:
            claims = await self._queue.claim_lapsed(limit=BATCH, lease=LEASE)
            for claim in claims:
                await self._settle(claim)
            if len(claims) < BATCH:
                return

    async def _settle(self, claim: Claim) -> None:
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
