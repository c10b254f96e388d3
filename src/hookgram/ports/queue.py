"""Where updates become durable, the work on them, and its upkeep."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Sequence
from typing import Protocol

from hookgram.core.model import (
    Acceptance,
    Arrival,
    Attempt,
    Claim,
    Claimed,
    Duty,
    Forgotten,
    Micros,
    Offset,
    Recorded,
    Want,
)
from hookgram.core.outcome import Settlement


class Inbox(Protocol):
    """Where updates become durable."""

    def accept(
        self, arrivals: Sequence[Arrival], *, offset: Offset | None = None
    ) -> Future[list[Acceptance]]:
        """Keep each event with its deliveries, in this order, all or nothing.

        A future and no coroutine, for it is asked at every update and needs no task to wait for.
        It is done only when they are on stable storage. An arrival whose key is known already
        changes nothing but the count of duplicates, and its acceptance comes back only after the
        first one of its kind is committed. A delivery becomes *pending* if its lane is free for
        that target, else *waiting*; one owed to a removed target is cancelled at once. *offset*,
        if given, is kept in the same transaction, also when there is no arrival.
        """
        ...

    async def offset(self, bot_id: int) -> int | None:
        """Tell the update id that polling asks for next; None if it never did."""
        ...

    async def refuse(self, bot_id: int, chat_id: int, chat_kind: str | None) -> None:
        """Count a refused update and remember its chat (id, kind, count, last seen)."""
        ...


class Queue(Protocol):
    """What the worker needs."""

    async def claim(self, wants: Sequence[Want]) -> Claimed:
        """Take due deliveries by priority, then due, then id, for each wanted target.

        At most ``limit`` of each, and of those that are not interactive ``kept`` fewer.
        No one else gets them until the lease ends; each try is counted here. Paused and removed
        targets yield nothing. If the caller is cancelled, what was claimed is released.
        """
        ...

    async def claim_lapsed(self, *, limit: int, lease: Micros) -> list[Claim]:
        """Take over claims whose lease has ended, with a new token and lease; no new try counts."""
        ...

    async def lapse_all(self) -> int:
        """End every lease now; returns how many.

        Only for the one process that delivers from a store, when it opens it anew.
        """
        ...

    async def extend(self, claim: Claim, lease: Micros) -> bool:
        """Make the claim last *lease* from now; False if its token is no longer current."""
        ...

    def settle(
        self, claim: Claim, settlement: Settlement, attempt: Attempt | None
    ) -> Awaitable[Recorded]:
        """Record the end of a try, if the token is current, and promote the next of its lane.

        A terminal settlement promotes; a retry or release makes the delivery pending again (a
        release takes its try back and records no attempt). Await it at once: it may have begun, or
        not, and what it raises may come before.
        """
        ...

    async def keep(self, delivery_id: int, attempt: Attempt) -> None:
        """Keep this of an attempt, in place of what is kept of it; nothing if its delivery is gone.

        The attempt is over: this changes no state, and needs no token. When it returns, this and
        the settlement before it are on stable storage.
        """
        ...

    async def due(self) -> dict[int, Micros]:
        """Tell when each target that has pending work has it next; others are absent."""
        ...


class Duties(Protocol):
    """Who does what only one may do at a time, on however many replicas.

    A duty is held until a moment of the store's clock and fenced by a token.
    """

    async def take_duty(self, name: str, holder: str, lease: Micros) -> Duty | None:
        """Take the duty for *lease* from now; None while somebody, even *holder*, has it.

        One whose time is over is free at that very moment.
        """
        ...

    async def renew_duty(self, duty: Duty, lease: Micros) -> bool:
        """Hold it for *lease* from now; False if the token is no longer current, or lapsed."""
        ...

    async def leave_duty(self, duty: Duty) -> None:
        """Have it free at once, if the token is current."""
        ...

    async def lapse_duties(self) -> None:
        """End every duty now.

        Only for the one process that takes updates into a store, when it opens it anew.
        """
        ...


class Upkeep(Protocol):
    """What the caretaker needs."""

    async def forget(
        self, *, retention: Micros, dead_retention: Micros, dedup: Micros
    ) -> Forgotten:
        """Remove at most 500 rows of what is old enough; never anything unsettled.

        An event goes when none of its deliveries is unsettled or dead and the last was settled
        *retention* ago; a dead letter *dead_retention* after it died; a duplicate's key after
        *dedup*. ``more`` tells whether to call again soon.
        """
        ...

    async def probe(self) -> None:
        """Commit something small; raises what a commit would raise now."""
        ...

    async def checkpoint(self) -> None:
        """Put the log's content where it belongs, if that is due."""
        ...
