"""What the worker knows of one target: its slots, its breaker, what asked it to wait."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.breaker import Breaker, after, permits, set_back
from hookgram.core.definition import Definition, Target
from hookgram.core.kinds import is_interactive
from hookgram.core.model import SECOND, Claim, Micros, Want
from hookgram.core.outcome import Failure, Outcome, Success
from hookgram.worker.ready import InHand, Ready

KEPT_SHARE = 5
"""One slot of so many, at least one, is kept for deliveries that somebody waits for."""

FIRST_REST: Micros = 1_000
LONGEST_REST: Micros = 100_000

LEASE_MARGIN: Micros = 15 * SECOND
"""What a lease lasts beyond the deadline of the attempt."""

QUICK: Micros = SECOND // 10
"""A target that answers well within this is given claims ahead of its free slots."""

LONGEST_READY = 1.0
"""Seconds that a claim may wait for a slot: a small part of its lease."""


class Desk:
    """One target at work. ``sending`` holds slots, from dial to answer; ``recording`` does not.

    ``interactive`` of those sending are deliveries that somebody waits for. ``ready`` are claims
    that wait for a slot. They are asked for only while the target is ``quick``: its last answer was
    a 2xx that came soon, and nothing holds it back. ``hungry``: something may be due that found no
    slot. ``losses``: claims in a row that brought nothing of what is due, because another worker is
    just claiming it.
    """

    __slots__ = (
        "_unkept",
        "breaker",
        "definition",
        "held_until",
        "hungry",
        "interactive",
        "losses",
        "name",
        "quick",
        "ready",
        "recording",
        "sending",
        "target_id",
    )

    def __init__(self, target: Target, definition: Definition, breaker_failures: int) -> None:
        self.target_id = target.target_id
        self.name = target.name
        self._define(definition)
        self.breaker = Breaker(limit=breaker_failures)
        self.held_until: Micros = 0
        self.sending = 0
        self.interactive = 0
        self.recording = 0
        self.ready = Ready()
        self.quick = False
        self.hungry = False
        self.losses = 0

    def redefine(self, definition: Definition) -> None:
        """Go on with another definition: it has to prove quick. Nothing may be ready."""
        self.quick = False
        self._define(definition)

    def _define(self, definition: Definition) -> None:
        slots = definition.slots
        self.definition = definition
        self._unkept = slots - min(max(slots // KEPT_SHARE, 1), slots - 1)

    def want(self, now: Micros) -> Want | None:
        """Say how much it can take now; None when nothing."""
        self.hungry = False
        if now < self.held_until or self._unrecorded() <= 0:
            return None
        free = self._free(now)
        spare = max(self._ahead() - self.ready.count, 0)
        if free + spare <= 0:
            return None
        kept = free - min(free, self._room())
        lease = self.definition.timeout + LEASE_MARGIN
        return Want(target_id=self.target_id, limit=free + spare, lease=lease, kept=kept)

    def _free(self, now: Micros) -> int:
        """Return how many attempts may start now."""
        free = permits(self.breaker, now=now, slots=self.definition.slots, in_flight=self.sending)
        if self.recording <= self.definition.slots:
            return free  # only a store that is slow allows less
        return max(min(free, self._unrecorded()), 0)

    def _unrecorded(self) -> int:
        """Return how many more may be sent and not yet recorded: a slow store piles up none."""
        return 2 * self.definition.slots - self.sending - self.recording

    def _ahead(self) -> int:
        """Return how many claims may be ready."""
        return self.definition.slots if self.quick else 0

    def _room(self) -> int:
        """Return how many slots are free for what is not interactive."""
        return max(self._unkept - self.sending + self.interactive, 0)

    def begin(self, now: Micros, at: float) -> list[InHand]:
        """Give slots to what is ready and came not too long before *at*: it is no longer ready."""
        if now < self.held_until:
            return []
        since = at - LONGEST_READY
        begun = self.ready.take(since=since, limit=self._free(now), others=self._room())
        for taken in begun:
            self.sending += 1
            self.interactive += taken.urgent
        return begun

    def end(self, taken: InHand) -> None:
        """Take its slot back."""
        self.sending -= 1
        self.interactive -= taken.urgent

    def overdue(self, now: Micros, at: float) -> list[InHand]:
        """Return what is ready and may wait no longer; it is no longer ready.

        That is all while the target is held or its breaker is not closed, else what came too long
        before *at*: a target that kept it waiting is not quick.
        """
        if now < self.held_until or self.breaker.is_open:
            return self.ready.take_all()
        late = self.ready.take_before(at - LONGEST_READY)
        self.quick = self.quick and not late
        return late

    @property
    def stocked(self) -> bool:
        """Whether so much is ready that claiming more can wait: few large claims cost less."""
        return self.quick and self.ready.count > self._ahead() // 2

    def recorded(self) -> bool:
        """Have one less to be recorded; tell whether that lets more be sent, or claimed.

        Mostly not: slots bound what is sent, unless the store is so slow that it does.
        """
        bounded = self.recording > self.definition.slots
        self.recording -= 1
        return bounded or (self.hungry and not self.stocked)

    def left_some(self, want: Want, claims: Sequence[Claim]) -> bool:
        """Tell whether a claim may have left work that is to be claimed now.

        What it left otherwise makes the desk hungry. Call it when the claims have begun.
        """
        urgent = sum(is_interactive(claim.event.kind) for claim in claims)
        full = want.kept > 0 and len(claims) - urgent == want.limit - max(urgent, want.kept)
        self.hungry = full and (self.stocked or not (self.quick or self._room()))
        return full and not self.hungry

    def rest(self) -> Micros:
        """Return how long to leave due work to the worker that is claiming it: it may hang."""
        return min(FIRST_REST << min(self.losses - 1, 10), LONGEST_REST) if self.losses else 0

    def closed_until(self, now: Micros) -> Micros | None:
        """Return the moment before which it takes nothing; None when only slots are missing."""
        until = max(self.held_until, self.breaker.open_until or 0)
        return until if until > now else None

    def set_back(self, by: Micros) -> None:
        """Go on by a clock that was set back: what was to be waited for takes no longer."""
        self.held_until -= by
        self.breaker = set_back(self.breaker, by)

    def learn(self, outcome: Outcome, *, started_at: Micros, now: Micros) -> None:
        """Take in how an attempt ended."""
        self.breaker = after(
            self.breaker, outcome, started_at=started_at, now=now, slots=self.definition.slots
        )
        if isinstance(outcome, Failure) and outcome.retry_after is not None:
            self.held_until = max(self.held_until, now + outcome.retry_after)
        soon = isinstance(outcome, Success) and now - started_at < QUICK
        self.quick = soon and now >= self.held_until and self.breaker.is_closed
