"""The nouns of the work: event, delivery, claim, attempt.

What is configured is in ``core.definition``.

Times are integer microseconds since the Unix epoch, UTC; durations are integer microseconds.
Bodies are the bytes that came and are never re-serialised.
"""

from __future__ import annotations

import enum
from typing import TypeAlias

from msgspec import Struct

Micros: TypeAlias = int
"""A moment or a duration in microseconds."""

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

UNPARSED = "unparsed"
"""The kind of an event whose body could not be read."""


class State(enum.IntEnum):
    """Where a delivery stands. The numbers are stored; unsettled ones come first."""

    WAITING = 0
    PENDING = 1
    LEASED = 2
    DELIVERED = 3
    DEAD = 4
    CANCELLED = 5


class Priority(enum.IntEnum):
    """Which due deliveries of a target are claimed first; the lower number wins."""

    INTERACTIVE = 0
    NORMAL = 1


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """One update as it is kept: the bytes that came and what we read from them."""

    event_id: str
    bot_id: int
    update_id: int | None
    kind: str
    chat_id: int | None
    user_id: int | None
    lane: str | None
    received_at: Micros
    expires_at: Micros | None
    body: bytes
    seq: int = 0
    """The store's number of the event; 0 until it is stored."""


class Owed(Struct, frozen=True, kw_only=True, gc=False):
    """A delivery to be made of an arriving event.

    ``lane`` is None where order does not matter. ``delay`` makes it due later than now (rate
    limits). With ``dead`` it is kept as a dead letter at once, for that reason.
    """

    target_id: int
    priority: Priority = Priority.NORMAL
    lane: str | None = None
    delay: Micros = 0
    dead: str | None = None


class Arrival(Struct, frozen=True, kw_only=True, gc=False):
    """An event about to be stored with the deliveries it makes.

    (bot, update id, ``digest``) is the key by which a repeated update is recognised; the digest is
    the first 16 bytes of SHA-256 over kind and payload bytes, or over an unparsed body.
    """

    event: Event
    digest: bytes
    owed: tuple[Owed, ...]


class Offset(Struct, frozen=True, kw_only=True):
    """Where polling of a bot goes on: the update id to ask Telegram for next."""

    bot_id: int
    next_id: int


class Duty(Struct, frozen=True, kw_only=True):
    """The right to do what only one may do at a time, fenced by ``token``."""

    name: str
    token: int


Acceptance: TypeAlias = int | None
"""What became of an arrival: the seq of the stored event, or None for a duplicate."""


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """The right to attempt a delivery until ``leased_until``, fenced by ``token``.

    ``attempt`` counts this one (1, 2, …); ``failures`` is what was counted against the retry
    policy before it. ``claimed_at`` and ``created_at`` are moments of the store's clock.
    """

    delivery_id: int
    target_id: int
    token: int
    attempt: int
    failures: int
    created_at: Micros
    claimed_at: Micros
    leased_until: Micros
    replay_of: int | None
    event: Event


class Want(Struct, frozen=True, kw_only=True, gc=False):
    """How many deliveries of a target a worker can take in hand now, and for how long.

    Not all of them need a slot that is free: some may be ready for the next. The last ``kept`` of
    the ``limit`` are for interactive deliveries only; others get the rest.
    """

    target_id: int
    limit: int
    lease: Micros
    kept: int = 0


class Claimed(Struct, frozen=True, kw_only=True):
    """What a claim brought, and when each wanted target has work next.

    ``due`` holds, for every wanted target, the moment its next pending delivery is due (perhaps
    already past), or None when nothing of it is pending. What another worker is just claiming
    counts until that is committed, so a claim may bring less than is due, even nothing: come again
    then. Where a want keeps places and what is not interactive has filled all others, only
    interactive deliveries count.
    """

    claims: tuple[Claim, ...]
    due: dict[int, Micros | None]


class Attempt(Struct, frozen=True, kw_only=True, gc=False):
    """What one try saw. ``members``: JSON of what members, or Telegram to a reply, answered."""

    number: int
    started_at: Micros
    took: Micros
    status: int | None = None
    error: str | None = None
    excerpt: str | None = None
    members: str | None = None


class Recorded(Struct, frozen=True, kw_only=True, gc=False):
    """What recording a settlement did.

    ``lost``: the token was not current, nothing changed. ``due``: when this target has work next
    because of it (the retry itself, or the delivery promoted behind it); None when nothing.
    """

    lost: bool = False
    due: Micros | None = None


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A delivery as people look at it."""

    delivery_id: int
    event_id: str
    event_seq: int
    update_id: int | None
    kind: str
    target: str
    state: State
    attempts: int
    failures: int
    due_at: Micros
    created_at: Micros
    ended_at: Micros | None
    status: int | None
    took: Micros | None
    reason: str | None
    replay_of: int | None
    replayed_as: int | None = None
    """The newest replay that names it."""


class AttemptRow(Struct, frozen=True, kw_only=True):
    """An attempt as people look at it."""

    delivery_id: int
    number: int
    started_at: Micros
    took: Micros
    status: int | None
    error: str | None
    excerpt: str | None
    members: str | None


class RefusedChat(Struct, frozen=True, kw_only=True):
    """A chat whose updates the access rules refused; no title, no content."""

    bot_id: int
    chat_id: int
    chat_kind: str | None
    count: int
    last_seen: Micros


class Forgotten(Struct, frozen=True, kw_only=True):
    """What one step of retention removed; ``more`` tells that another step has work."""

    events: int = 0
    dead: int = 0
    seen: int = 0
    more: bool = False
