"""What people look for and what they get to see: filters, rows and pages of listings.

A page is bounded twice: by how many rows it holds and by how many were looked at for it. ``next``
is where the following page begins; None when nothing is left. So a page may be short, even empty,
while ``next`` says that there is more to look at.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from hookgram.core.definition import Origin
from hookgram.core.model import DeliveryRow, Micros, State

UNSETTLED = (State.WAITING, State.PENDING, State.LEASED)
SETTLED = (State.DELIVERED, State.DEAD, State.CANCELLED)


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events: those that meet every condition given.

    ``target`` and ``states`` ask for one delivery that meets both. Moments are of ``received_at``:
    from ``since`` on, before ``until``.
    """

    kind: str | None = None
    chat_id: int | None = None
    target: str | None = None
    states: tuple[State, ...] | None = None
    since: Micros | None = None
    until: Micros | None = None


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """Which deliveries: those that meet every condition given.

    ``reason`` is how its reason begins. ``since`` and ``until`` are moments of the event's
    ``received_at``; ``ended_before`` is one of ``ended_at``. ``replayed`` asks whether a replay
    names the delivery. ``replayable`` leaves out those of removed targets. ``up_to`` is the
    highest id wanted; ``ids`` names at most 500.
    """

    ids: tuple[int, ...] | None = None
    target: str | None = None
    states: tuple[State, ...] | None = None
    event_seq: int | None = None
    reason: str | None = None
    kind: str | None = None
    chat_id: int | None = None
    since: Micros | None = None
    until: Micros | None = None
    ended_before: Micros | None = None
    replayed: bool | None = None
    replayable: bool = False
    up_to: int | None = None


class EventRow(Struct, frozen=True, kw_only=True):
    """An event as people look at it; ``deliveries`` counts its deliveries by state."""

    seq: int
    event_id: str
    bot_id: int
    update_id: int | None
    kind: str
    chat_id: int | None
    user_id: int | None
    received_at: Micros
    deliveries: dict[State, int]


class EventPage(Struct, frozen=True, kw_only=True):
    """Events, newest first. ``next`` is the *before* of the following page."""

    rows: tuple[EventRow, ...]
    next: int | None


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """Deliveries in the order asked for. ``next`` is the *start* of the following page."""

    rows: tuple[DeliveryRow, ...]
    next: int | None


TargetState: TypeAlias = Literal["ok", "paused", "orphaned"]


class TargetRow(Struct, frozen=True, kw_only=True):
    """A target as people look at it. ``hosts`` is where it goes, without path or credentials."""

    name: str
    origin: Origin
    paused: bool
    orphaned_at: Micros | None
    """When the gateway began to miss it in its configuration; None while it is configured."""
    hosts: tuple[str, ...]
    created_at: Micros
    created: int = 0
    delivered: int = 0
    dead: int = 0
    cancelled: int = 0
    purged: int = 0
    oldest_due: Micros | None = None
    """When its next pending delivery is due, perhaps already past; None when none is pending."""

    @property
    def unsettled(self) -> int:
        """How many deliveries are not ended."""
        return self.created - self.delivered - self.dead - self.cancelled

    @property
    def dead_kept(self) -> int:
        """How many dead letters can be looked at."""
        return self.dead - self.purged

    @property
    def state(self) -> TargetState:
        """How it is in one word; an orphan waits whether paused or not."""
        if self.orphaned_at is not None:
            return "orphaned"
        return "paused" if self.paused else "ok"
