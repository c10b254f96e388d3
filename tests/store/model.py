"""What a store should be, in dictionaries: slow, plain, and without a single index."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hookgram.core.model import Claim, Micros, State

UNSETTLED = (State.WAITING, State.PENDING, State.LEASED)


@dataclass
class ModelDelivery:
    delivery_id: int
    update_id: int
    target: str
    lane: str | None
    priority: int
    state: State
    due_at: Micros
    attempts: int = 0
    failures: int = 0
    token: int | None = None
    leased_until: Micros = 0
    ended_at: Micros | None = None
    replay_of: int | None = None


@dataclass
class Model:
    """Deliveries, the events they are of (by update id) and the counts, with the same verbs."""

    deliveries: dict[int, ModelDelivery] = field(default_factory=dict)
    events: dict[int, Micros] = field(default_factory=dict)
    unrouted: set[int] = field(default_factory=set)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    paused: set[str] = field(default_factory=set)

    def unsettled(self, target: str, lane: str | None) -> list[ModelDelivery]:
        return [
            one
            for _, one in sorted(self.deliveries.items())
            if one.target == target and one.lane == lane and one.state in UNSETTLED
        ]

    def owe(self, one: ModelDelivery) -> None:
        busy = one.lane is not None and self.unsettled(one.target, one.lane)
        if one.state is State.PENDING and busy:
            one.state = State.WAITING
        self.counts[one.target, "created"] += 1
        if one.state is State.DEAD:
            self.counts[one.target, "dead"] += 1
        self.deliveries[one.delivery_id] = one

    def claimable(self, target: str, now: Micros) -> list[int]:
        if target in self.paused:
            return []
        due = [
            (one.priority, one.due_at, one.delivery_id)
            for one in self.deliveries.values()
            if one.target == target and one.state is State.PENDING and one.due_at <= now
        ]
        return [delivery_id for _, _, delivery_id in sorted(due)]

    def lapsed(self, now: Micros) -> list[int]:
        ended = [
            (one.leased_until, one.delivery_id)
            for one in self.deliveries.values()
            if one.state is State.LEASED and one.leased_until <= now
        ]
        return [delivery_id for _, delivery_id in sorted(ended)]

    def lease(self, claimed: Claim, tries: int) -> None:
        one = self.deliveries[claimed.delivery_id]
        one.state, one.token, one.leased_until = State.LEASED, claimed.token, claimed.leased_until
        one.attempts += tries

    def held(self, claimed: Claim) -> ModelDelivery | None:
        """The delivery, if the claim is current."""
        one = self.deliveries.get(claimed.delivery_id)
        current = one is not None and one.state is State.LEASED and one.token == claimed.token
        return one if current else None

    def end(self, one: ModelDelivery, state: State, now: Micros) -> None:
        one.state, one.ended_at, one.token = state, now, None
        self.counts[one.target, state.name.lower()] += 1
        lane = self.unsettled(one.target, one.lane)
        if one.lane is not None and lane and lane[0].state is State.WAITING:
            lane[0].state = State.PENDING

    def cancel_all(self, target: str, now: Micros) -> int:
        mine = [d for d in self.deliveries.values() if d.target == target and d.state in UNSETTLED]
        for one in mine:
            one.state, one.ended_at = State.CANCELLED, now
        self.counts[target, "cancelled"] += len(mine)
        return len(mine)

    def purge(self, delivery_ids: list[int]) -> None:
        for delivery_id in delivery_ids:
            gone = self.deliveries.pop(delivery_id)
            self.counts[gone.target, "purged"] += 1
            if gone.update_id not in {d.update_id for d in self.deliveries.values()}:
                del self.events[gone.update_id]

    def forget(self, settled_by: Micros, dead_by: Micros) -> tuple[int, int]:
        """Forget all there is; how many events and dead letters went."""
        dead = [
            one
            for one in self.deliveries.values()
            if one.state is State.DEAD and (one.ended_at or 0) <= dead_by
        ]
        for one in dead:
            self.counts[one.target, "purged"] += 1
            del self.deliveries[one.delivery_id]
        gone = [update for update in self.events if not self._kept(update, settled_by)]
        for update in gone:
            del self.events[update]
        self.deliveries = {i: d for i, d in self.deliveries.items() if d.update_id in self.events}
        return len(gone), len(dead)

    def _kept(self, update: int, settled_by: Micros) -> bool:
        if update in self.unrouted:
            return self.events[update] > settled_by
        return any(
            one.state in UNSETTLED or one.state is State.DEAD or (one.ended_at or 0) > settled_by
            for one in self.deliveries.values()
            if one.update_id == update
        )
