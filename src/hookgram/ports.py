"""What the gateway needs from outside, in its own words: small Protocols, by consumer.

Every method of a store is one transaction (or a bounded number of them, where it says so): all of
it happens or none. A store reads its own clock; leases and due-ness are judged by nothing else.
Any method may raise ``StoreUnavailable`` (nothing was changed, try later) or ``StoreBroken`` (stop
the process). A cancelled call leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from hookgram.core.access import Chats
from hookgram.core.facts import Fact
from hookgram.core.listing import DeliveryFilter, DeliveryPage, EventFilter, EventPage, TargetRow
from hookgram.core.model import (
    Acceptance,
    Arrival,
    Attempt,
    AttemptRow,
    Claim,
    Claimed,
    Definition,
    DeliveryRow,
    Duty,
    Event,
    Forgotten,
    Micros,
    Offset,
    Recorded,
    RefusedChat,
    State,
    Target,
    Want,
)
from hookgram.core.outcome import Answer, Outbound, Settlement

Clock: TypeAlias = Callable[[], Micros]
"""Tells the moment in integer microseconds UTC."""

Dice: TypeAlias = Callable[[], float]
"""Tells a number in [0, 1) by chance."""

Notice: TypeAlias = Callable[[Fact], None]
"""Is told what happened. Must not block and must not raise."""


class Inbox(Protocol):
    """Where updates become durable."""

    async def accept(
        self, arrivals: Sequence[Arrival], *, offset: Offset | None = None
    ) -> list[Acceptance]:
        """Keep each event with its deliveries, in this order, all or nothing.

        Returns only when they are on stable storage. An arrival whose key is known already
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
        """End every lease and every duty now; returns how many leases.

        Only for the one owner of a store that opens it anew.
        """
        ...

    async def extend(self, claim: Claim, lease: Micros) -> bool:
        """Make the claim last *lease* from now; False if its token is no longer current."""
        ...

    async def settle(
        self, claim: Claim, settlement: Settlement, attempt: Attempt | None
    ) -> Recorded:
        """Record the end of a try, if the token is current, and promote the next of its lane.

        A terminal settlement promotes; a retry or release makes the delivery pending again (a
        release takes its try back and records no attempt).
        """
        ...

    async def keep(self, delivery_id: int, attempt: Attempt) -> None:
        """Keep this of an attempt, in place of what is kept of it; nothing if its delivery is gone.

        The attempt is over: this changes no state, and needs no token.
        """
        ...

    async def due(self) -> dict[int, Micros]:
        """Tell when each target that has pending work has it next; others are absent."""
        ...


class Journal(Protocol):
    """Reads for people: pages, counts, single things. Never scans a big table."""

    async def counts(self) -> dict[tuple[str, str], int]:
        """Sum the kept counters by (target name, counter name); '' names no target.

        Their names and meanings are ``core.counters.MEANINGS``, no others. unsettled = created −
        delivered − dead − cancelled; dead letters kept = dead − purged.
        """
        ...

    async def deliveries(
        self,
        *,
        state: State | None = None,
        target: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[DeliveryRow]:
        """List deliveries newest first, those with an id below *before*; at most 500."""
        ...

    async def choose(
        self,
        wanted: DeliveryFilter,
        *,
        start: int | None = None,
        oldest_first: bool = False,
        limit: int = 500,
    ) -> DeliveryPage:
        """List the deliveries that are *wanted*, those of removed targets too, by their id.

        Newest first from below *start*, or oldest first from above it. At most 500 rows, and at
        most some thousand are looked at: a cut page's ``next`` goes on behind the last of those. An
        index leads to the event, else to target and states; times bound the walk, relying on a
        clock that does not go back by more than a minute.
        """
        ...

    async def delivery(self, delivery_id: int) -> DeliveryRow:
        """Show one delivery. Raises NotFound."""
        ...

    async def attempts(self, delivery_id: int) -> list[AttemptRow]:
        """List what is kept of a delivery's attempts, oldest first."""
        ...

    async def event(self, event: str | int) -> Event:
        """Show one event, by its id or its number (``seq``), with its bytes. Raises NotFound."""
        ...

    async def events(
        self, wanted: EventFilter, *, before: int | None = None, limit: int = 50
    ) -> EventPage:
        """List the events that are *wanted*, newest first, those with a number below *before*.

        Bounded like ``choose``: at most 500 rows, some thousand looked at.
        """
        ...

    async def targets(self) -> list[TargetRow]:
        """List the targets that are not removed, oldest first, with their kept counts."""
        ...

    async def refused_chats(self, *, limit: int = 100) -> list[RefusedChat]:
        """List refused chats, latest first."""
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


class WebhookBook(Protocol):
    """What keeping a bot's webhook needs to remember."""

    async def webhook_secret(self, bot_id: int, made: str) -> str:
        """Return the secret kept for the bot's webhook; if there is none, *made*, now kept."""
        ...

    async def webhook_mark(self, bot_id: int) -> bytes | None:
        """Tell the mark of what was set last; None if nothing ever was."""
        ...

    async def mark_webhook(self, bot_id: int, mark: bytes) -> None:
        """Keep the mark of what was just set."""
        ...


class TargetBook(Protocol):
    """The targets the store knows."""

    async def register(self, definitions: Sequence[Definition]) -> list[Target]:
        """Make the configured targets known by their names and list all that are not removed.

        A target keeps its id as long as it keeps its name; its URL and the rest are taken from
        the definition each time, and neither URLs' credentials nor secrets are written down.
        Targets of the store that no definition names come back with ``definition=None``; those of
        them that were configured once are orphans from now on, for every process that looks.
        """
        ...

    async def pause(self, name: str) -> None:
        """Let the target's work wait. Raises NotFound."""
        ...

    async def resume(self, name: str) -> None:
        """Let the target's work go on. Raises NotFound."""
        ...

    async def remove(self, name: str) -> int:
        """Forget the target and cancel its unsettled work; returns how many were cancelled.

        In transactions of at most 500 rows. Raises NotFound.
        """
        ...

    async def replay(self, delivery_ids: Sequence[int]) -> list[int]:
        """Owe each named delivery's event to its target once more, at the tail of its lane.

        At most 500 at a time; returns the new deliveries' ids. Raises NotFound if one of them, or
        its target, is gone; then none is made.
        """
        ...

    async def purge(self, delivery_ids: Sequence[int]) -> int:
        """Remove those of the deliveries that are dead letters, and count them as purged.

        Each goes with its attempts, and with its event if that has no other delivery. At most 500
        at a time, in transactions of at most 500 rows; returns how many were dead letters.
        """
        ...


class ChatBook(Protocol):
    """The chats that were admitted or followed at run time; the configured ones are not here."""

    async def chats(self) -> Chats:
        """Read all of them."""
        ...

    async def authorise(self, chat_id: int) -> bool:
        """Admit a chat, which is no refused one any more; False if it was admitted already."""
        ...

    async def withdraw(self, chat_id: int) -> bool:
        """Take an authorisation back; False if there was none."""
        ...

    async def move_chat(self, chat_id: int, former: int) -> None:
        """Remember that a chat had another id; nothing happens if it is known."""
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


class Store(Inbox, Queue, Journal, Duties, WebhookBook, TargetBook, ChatBook, Upkeep, Protocol):
    """One durable store, open until it is closed."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called, on the event loop, within a second of another process's commit."""
        ...

    async def close(self) -> None:
        """Finish what is under way, checkpoint and close; later calls raise StoreUnavailable."""
        ...


class Channel(Protocol):
    """One way out, to one target."""

    async def send(self, outbound: Outbound) -> Answer:
        """Try once within the deadline. What the target does is an Answer, never an exception."""
        ...

    def interrupt(self) -> None:
        """Cut what is in the air: every send under way returns an ``interrupted`` failure now.

        Its ``sent`` tells whether the first byte of the request had left. A send whose answer's
        status line and headers are complete returns that answer instead.
        """
        ...

    async def close(self) -> None:
        """Close idle connections; no send is under way."""
        ...
