"""How claims in hand end in the store: settled or given back, again while the store cannot."""

from __future__ import annotations

import asyncio
import time

from hookgram.core.facts import DeliverySettled
from hookgram.core.model import Attempt, Claim, Micros, Recorded
from hookgram.core.outcome import Answer, Released, Settlement
from hookgram.errors import StoreUnavailable
from hookgram.ports import Queue
from hookgram.worker.ready import InHand

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0


async def give_back(queue: Queue, taken: InHand) -> Recorded:
    """Give back what was not tried; while the store cannot, try again until the lease ends."""
    try:
        return await queue.settle(taken.claim, Released(), None)
    except StoreUnavailable:
        return await insist(queue, taken, Released(), None)


async def insist(
    queue: Queue, taken: InHand, settlement: Settlement, kept: Attempt | None
) -> Recorded:
    """Record what the store could not just now, again and again until the lease ends."""
    pause = FIRST_PAUSE
    while time.monotonic() < taken.until:
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
        try:
            return await queue.settle(taken.claim, settlement, kept)
        except StoreUnavailable:
            continue
    return Recorded(lost=True)


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
