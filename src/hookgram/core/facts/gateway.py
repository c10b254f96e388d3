"""What happened in the gateway: to updates, deliveries, targets, the store."""

from __future__ import annotations

from hookgram.core.facts.fact import Fact
from hookgram.core.outcome import Answer, Settlement
from hookgram.core.replying import Ended


class GatewayStarted(Fact, frozen=True, kw_only=True):
    """The gateway works. ``host`` and ``port`` are None under somebody else's server."""

    version: str
    role: str
    host: str | None
    port: int | None
    public_mode: bool
    bots: tuple[str, ...]
    targets: tuple[str, ...]


class Warned(Fact, frozen=True, kw_only=True):
    """Something an operator should know, with what to do about it."""

    code: str
    message: str
    advice: str


class EventAccepted(Fact, frozen=True, kw_only=True):
    """An update was stored, to be delivered to *targets* targets."""

    seq: int
    bot_id: int
    update_id: int | None
    kind: str
    targets: int
    size: int


class DeadOnArrival(Fact, frozen=True, kw_only=True):
    """A stored update made dead letters at once: it will not be sent to these targets."""

    seq: int
    update_id: int | None
    kind: str
    targets: tuple[str, ...]
    reason: str


class DuplicateSeen(Fact, frozen=True, kw_only=True):
    """The same update was stored before; nothing changed."""

    bot_id: int
    update_id: int | None
    kind: str


class UpdateRefused(Fact, frozen=True, kw_only=True):
    """The access rules refused an update of a chat; it was counted and not stored."""

    bot_id: int
    chat_id: int
    chat_kind: str | None
    first: bool
    """Whether this process meets the chat for the first time."""


class ChatMoved(Fact, frozen=True, kw_only=True):
    """A group that a rule names became a supergroup; the rule follows it to its new id."""

    chat_id: int
    former: int


class IngestRejected(Fact, frozen=True, kw_only=True):
    """We answered a posted body with something else than 200."""

    bot: str
    status: int
    reason: str


class WorkerStarted(Fact, frozen=True, kw_only=True):
    """A worker claims deliveries now."""

    targets: tuple[str, ...]


class WorkerStopping(Fact, frozen=True, kw_only=True):
    """The worker claims no more; attempts in flight are being finished."""

    in_flight: int


class WorkerStopped(Fact, frozen=True, kw_only=True):
    """The worker has ended; nothing of it is in flight."""

    released: int
    interrupted: int


class DeliverySettled(Fact, frozen=True, kw_only=True):
    """An attempt ended and its settlement is recorded."""

    seq: int
    event_id: str
    update_id: int | None
    bot_id: int
    kind: str
    delivery_id: int
    target: str
    attempt: int
    settlement: Settlement
    answer: Answer | None
    """None when nothing was tried: a lapsed lease, too old before the first try."""
    took: int
    latency: int
    """Microseconds from receiving the update to this settlement."""


class ReplyEnded(Fact, frozen=True, kw_only=True):
    """A method call in a responder's answer was executed by the Bot API, or why it was not."""

    seq: int
    event_id: str
    bot_id: int
    delivery_id: int
    target: str
    ended: Ended


class LeaseLost(Fact, frozen=True, kw_only=True):
    """A settlement was not recorded: its token is no longer current."""

    seq: int
    delivery_id: int
    target: str
    attempt: int


class LeaseLapsed(Fact, frozen=True, kw_only=True):
    """A worker vanished with a claim; the try was counted."""

    seq: int
    delivery_id: int
    target: str
    attempt: int


class BreakerOpened(Fact, frozen=True, kw_only=True):
    """A target failed so often in a row that it is left alone for *wait* microseconds."""

    target: str
    failures: int
    wait: int


class BreakerClosed(Fact, frozen=True, kw_only=True):
    """A target answered again; it gets its slots back step by step."""

    target: str


class TargetHeld(Fact, frozen=True, kw_only=True):
    """A target asked by Retry-After to be left alone for *wait* microseconds."""

    target: str
    wait: int


class WorkOverdue(Fact, frozen=True, kw_only=True):
    """Work has been due for long, and no worker takes it. Noticed once until that changes.

    ``wait``: microseconds since the oldest was due. Only who has no worker of its own looks.
    """

    targets: tuple[str, ...]
    wait: int


class WorkTaken(Fact, frozen=True, kw_only=True):
    """No work is overdue any more."""


class StoreFailed(Fact, frozen=True, kw_only=True):
    """The store could not commit; noticed once until it recovers."""

    reason: str
    broken: bool


class StoreRecovered(Fact, frozen=True, kw_only=True):
    """The store commits again."""


class EventsForgotten(Fact, frozen=True, kw_only=True):
    """Retention removed what was old enough."""

    events: int
    dead: int


class TaskFailed(Fact, frozen=True, kw_only=True):
    """A bug: something unexpected was raised where it could be contained."""

    where: str
    error: str
    """The formatted traceback."""
