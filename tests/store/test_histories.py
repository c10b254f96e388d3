"""Random histories against a model of dictionaries; the invariants hold after every step."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hookgram.core.definition import Target
from hookgram.core.model import DAY, SECOND, Claim, Priority, State
from hookgram.core.outcome import Dead, Delivered, Released, Retry
from hookgram.ports import Store
from store.backends import BACKENDS, Backend
from store.makers import (
    LEASE,
    HandClock,
    accept,
    arrival,
    attempt,
    claim,
    definition,
    ids,
    owed,
)
from store.model import UNSETTLED, Model, ModelDelivery

T = TypeVar("T")
NAMES = ("a", "b")
LONG = int(os.environ.get("SOAK_ROUNDS", "0"))
"""How often as many histories in the long form, then by chance; 0: the short one, always alike."""
RETENTION, DEAD_RETENTION = 20 * SECOND, 60 * SECOND

names = st.sampled_from(NAMES)
# Most work is one lane's of one target: an order shows only where many wait.
lanes = st.sampled_from(["x", "x", "x", "y", None])
owings = st.lists(
    st.tuples(
        st.sampled_from(["a", "a", "b"]),
        lanes,
        st.sampled_from(Priority),
        st.sampled_from([0, 0, 0, SECOND]),
        st.sampled_from([None, None, None, None, "rate_limited"]),
    ),
    min_size=1,
    max_size=3,
)
picks = st.integers(0, 1_000)
once_accepted = precondition(lambda its: its.updates)
once_claimed = precondition(lambda its: its.claims)


class Histories(RuleBasedStateMachine):
    """Replicas that act in turn on one store, and the model."""

    backend: type[Backend]
    replicas: int

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock()
        self.place = self.backend(Path(self.folder.name))
        self.model = Model()
        self.claims: list[Claim] = []
        self.updates = 0
        self.turn = 0
        self.stores = self._open()
        self.targets: dict[str, Target] = {}
        self._register()

    def _open(self) -> list[Store]:
        names = [f"replica {number}" for number in range(self.replicas)]
        return [self.run(self.place.open(self.clock, name)) for name in names]

    @property
    def store(self) -> Store:
        """The next replica."""
        self.turn += 1
        return self.stores[self.turn % self.replicas]

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(act, 20))

    def _register(self) -> None:
        found = self.run(self.store.register([definition(name) for name in NAMES]))
        self.targets = {target.name: target for target in found}

    def _name(self, target_id: int) -> str:
        return next(name for name, one in self.targets.items() if one.target_id == target_id)

    # What happens

    @rule(owings=st.lists(st.one_of(owings, owings, st.just([])), min_size=1, max_size=3))
    def accept(self, owings) -> None:
        before = self.run(self.store.deliveries(limit=1))
        next_id = before[0].delivery_id + 1 if before else None
        arrivals = []
        for owing in owings:
            self.updates += 1
            due = [
                owed(self.targets[name], lane, priority=priority, delay=delay, dead=dead)
                for name, lane, priority, delay, dead in owing
            ]
            arrivals.append(arrival(*due, update_id=self.updates, received_at=self.clock.now))
        self.run(accept(self.store, *arrivals))
        made = [r for r in self.run(self.store.deliveries(limit=50)) if r.update_id]
        made = [r for r in made if next_id is None or r.delivery_id >= next_id]
        made.sort(key=lambda row: row.delivery_id)
        flat = [
            (one.event.update_id, owing)
            for one, its in zip(arrivals, owings, strict=True)
            for owing in its
        ]
        assert len(made) == len(flat)
        for row, (update_id, (name, lane, priority, delay, dead)) in zip(made, flat, strict=True):
            assert (row.update_id, row.target) == (update_id, name)
            one = ModelDelivery(
                delivery_id=row.delivery_id,
                update_id=update_id,
                target=name,
                lane=lane,
                priority=priority,
                state=State.PENDING if dead is None else State.DEAD,
                due_at=self.clock.now + delay,
                ended_at=None if dead is None else self.clock.now,
            )
            self.model.owe(one)
        for one in arrivals:
            self.model.events[one.event.update_id] = self.clock.now
            self.model.counts["", "accepted"] += 1
            if not one.owed:
                self.model.unrouted.add(one.event.update_id)
                self.model.counts["", "unrouted"] += 1

    @once_accepted
    @rule(pick=picks, name=names)
    def accept_again(self, pick: int, name: str) -> None:
        again = arrival(owed(self.targets[name]), update_id=pick % self.updates + 1)
        [answer] = self.run(accept(self.store, again))
        assert answer is None
        self.model.counts["", "duplicate"] += 1

    @rule(name=names, limit=st.sampled_from([4, 2, 1, 0]))
    def claim_some(self, name: str, limit: int) -> None:
        self.claim(name, limit)

    def claim(self, name: str, limit: int) -> None:
        expected = self.model.claimable(name, self.clock.now)[:limit]
        claims = self.run(claim(self.store, self.targets[name], limit=limit))
        assert ids(claims) == expected
        for one in claims:
            self.model.lease(one, tries=1)
            held = self.model.deliveries[one.delivery_id]
            assert (one.attempt, one.failures) == (held.attempts, held.failures)
        self.claims += claims

    @once_accepted
    @rule(limit=st.integers(1, 3))
    def take_over(self, limit: int) -> None:
        expected = self.model.lapsed(self.clock.now)[:limit]
        claims = self.run(self.store.claim_lapsed(limit=limit, lease=LEASE))
        assert ids(claims) == expected
        for one in claims:
            self.model.lease(one, tries=0)
        self.claims += claims

    @once_accepted
    @rule(pick=picks, wait=st.sampled_from([0, SECOND]))
    def settle_retry(self, pick: int, wait: int) -> None:
        if one := self._settle(pick, Retry(wait=wait, failures=pick % 4, reason="x")):
            one.state, one.token, one.failures = State.PENDING, None, pick % 4
            one.due_at = self.clock.now + wait

    @once_accepted
    @rule(pick=picks)
    def settle_released(self, pick: int) -> None:
        if one := self._settle(pick, Released()):
            one.state, one.token, one.attempts = State.PENDING, None, one.attempts - 1

    @once_accepted
    @rule(pick=picks)
    def settle_delivered(self, pick: int) -> None:
        if one := self._settle(pick, Delivered()):
            self.model.end(one, State.DELIVERED, self.clock.now)

    @once_accepted
    @rule(pick=picks)
    def settle_dead(self, pick: int) -> None:
        if one := self._settle(pick, Dead(reason="x", failures=pick % 4)):
            one.failures = pick % 4
            self.model.end(one, State.DEAD, self.clock.now)

    def _settle(self, pick: int, settlement) -> ModelDelivery | None:
        if not any(map(self.model.held, self.claims)):
            for name in NAMES:
                self.claim(name, 2)
        current = [one for one in self.claims if self.model.held(one)]
        some = current if current and pick % 4 else self.claims
        if not some:
            return None
        claimed = some[-1 - pick % len(some)]
        one = self.model.held(claimed)
        tried = None if isinstance(settlement, Released) else attempt(claimed)
        recorded = self.run(self.store.settle(claimed, settlement, tried))
        assert recorded.lost == (one is None)
        return one

    @once_claimed
    @rule(pick=picks)
    def extend(self, pick: int) -> None:
        claimed = self.claims[-1 - pick % len(self.claims)]
        one = self.model.held(claimed)
        assert self.run(self.store.extend(claimed, LEASE)) == (one is not None)
        if one:
            one.leased_until = self.clock.now + LEASE

    @rule(name=names, pausing=st.sampled_from([False, False, True]))
    def pause_or_resume(self, name: str, *, pausing: bool) -> None:
        if pausing:
            self.run(self.store.pause(name))
            self.model.paused |= {name}
        else:
            self.run(self.store.resume(name))
            self.model.paused -= {name}

    @once_accepted
    @rule(pick=picks)
    def replay(self, pick: int) -> None:
        living = {one.target_id for one in self.targets.values()}
        rows = [one for one in self.model.deliveries.values() if one.target in self.targets]
        if rows and living:
            old = rows[pick % len(rows)]
            [new] = self.run(self.store.replay([old.delivery_id]))
            again = ModelDelivery(
                delivery_id=new,
                update_id=old.update_id,
                target=old.target,
                lane=old.lane,
                priority=old.priority,
                state=State.PENDING,
                due_at=self.clock.now,
                replay_of=old.delivery_id,
            )
            self.model.owe(again)

    @once_accepted
    @rule(pick=picks)
    def purge(self, pick: int) -> None:
        # Events with settled siblings are left to their own law: the sweep comes back for them.
        rows = [one.delivery_id for one in self.model.deliveries.values() if self._purgeable(one)]
        if rows:
            first = pick % len(rows)
            chosen = rows[first : first + 2]
            assert self.run(self.store.purge([*chosen, 10**9, chosen[0]])) == len(chosen)
            self.model.purge(chosen)

    def _purgeable(self, one: ModelDelivery) -> bool:
        siblings = [d for d in self.model.deliveries.values() if d.update_id == one.update_id]
        ended = {State.DELIVERED, State.CANCELLED}
        return one.state is State.DEAD and not any(d.state in ended for d in siblings)

    @once_accepted
    @rule(name=names)
    def remove_and_register(self, name: str) -> None:
        expected = self.model.cancel_all(name, self.clock.now)
        assert self.run(self.store.remove(name)) == expected
        self._rename(name)
        self.model.paused -= {name}
        self._register()

    def _rename(self, name: str) -> None:
        # The model knows a removed target's rows by another name, so that nothing owes to it.
        for one in self.model.deliveries.values():
            if one.target == name:
                one.target = f"removed {name}"
        for (target, counter), value in list(self.model.counts.items()):
            if target == name:
                self.model.counts[f"removed {name}", counter] += value
                del self.model.counts[target, counter]

    @once_accepted
    @rule()
    def forget(self) -> None:
        now = self.clock.step(1)
        expected = self.model.forget(now - RETENTION, now - DEAD_RETENTION)
        events = dead = 0
        for _ in range(10):
            step = self.run(
                self.store.forget(
                    retention=RETENTION, dead_retention=DEAD_RETENTION, dedup=1_000 * DAY
                )
            )
            events, dead = events + step.events, dead + step.dead
            if not step.more:
                break
        assert (events, dead) == expected

    @rule(step=st.sampled_from([SECOND, 1, SECOND, LEASE, 40 * SECOND]))
    def time_passes(self, step: int) -> None:
        self.clock.step(step)

    @once_accepted
    @rule()
    def reopen(self) -> None:
        for store in self.stores:
            self.run(store.close())
        self.stores = self._open()

    @once_accepted
    @rule()
    def lapse_all(self) -> None:
        for one in self.model.deliveries.values():
            if one.state is State.LEASED:
                one.leased_until = min(one.leased_until, self.clock.now)
        self.run(self.store.lapse_all())

    # What always holds

    @invariant()
    def the_store_is_the_model(self) -> None:
        rows = self.run(self.store.deliveries(limit=500))
        found = {
            row.delivery_id: (
                row.update_id,
                row.target,
                row.state,
                row.due_at,
                row.attempts,
                row.failures,
                row.ended_at,
                row.replay_of,
            )
            for row in rows
        }
        expected = {
            one.delivery_id: (
                one.update_id,
                one.target.removeprefix("removed "),
                one.state,
                one.due_at,
                one.attempts,
                one.failures,
                one.ended_at,
                one.replay_of,
            )
            for one in self.model.deliveries.values()
        }
        assert found == expected

    @invariant()
    def no_lane_is_stuck(self) -> None:
        heads: dict[tuple[str, str], State] = {}
        for _, one in sorted(self.model.deliveries.items()):
            if one.lane is not None and one.state in UNSETTLED:
                heads.setdefault((one.target, one.lane), one.state)
        assert State.WAITING not in heads.values()

    @invariant()
    def the_counts_add_up(self) -> None:
        expected: dict[tuple[str, str], int] = {}
        for (target, counter), value in self.model.counts.items():
            key = target.removeprefix("removed "), counter
            if value:
                expected[key] = expected.get(key, 0) + value
        assert self.run(self.store.counts()) == expected

    @invariant()
    def due_is_the_next_pending(self) -> None:
        expected: dict[int, int] = {}
        for one in self.model.deliveries.values():
            target = self.targets.get(one.target)
            if one.state is State.PENDING and target and one.target not in self.model.paused:
                expected[target.target_id] = min(
                    one.due_at, expected.get(target.target_id, one.due_at)
                )
        assert self.run(self.store.due()) == expected

    def teardown(self) -> None:
        for store in self.stores:
            self.run(store.close())
        self.run(self.place.end())
        self.loop.close()
        self.folder.cleanup()


@pytest.mark.timeout(300 + 300 * LONG)  # each step has a deadline of its own
@pytest.mark.parametrize(
    ("name", "replicas", "histories"), [("sqlite", 1, 60), ("postgres", 2, 30)]
)
def test_random_histories_agree_with_the_model(name: str, replicas: int, histories: int) -> None:
    its = {"backend": BACKENDS[name], "replicas": replicas}
    machine = type("Histories", (Histories,), its)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories * max(LONG, 1),
            stateful_step_count=40,
            deadline=None,
            derandomize=not LONG,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
