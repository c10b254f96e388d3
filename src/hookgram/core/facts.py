"""Things that happened, as values: the one seam for logs, metrics and tests.

Named in the past tense; small; never carrying a secret, a full URL or the text of a message.
"""

from __future__ import annotations

from msgspec import Struct

from hookgram.core.outcome import Answer, Settlement
from hookgram.core.replying import Ended


class Fact(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Something that happened."""


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


class DutyTaken(Fact, frozen=True, kw_only=True):
    """This process does now what only one may do at a time."""

    duty: str


class DutyHeld(Fact, frozen=True, kw_only=True):
    """Another process has the duty; this one stands by. Noticed once until that changes."""

    duty: str


class DutyLost(Fact, frozen=True, kw_only=True):
    """This process had the duty and could not keep it: it has stopped what belongs to it."""

    duty: str


class PollingHindered(Fact, frozen=True, kw_only=True):
    """Polling does not go on. Noticed when the reason changes, and every ten minutes."""

    bot: str
    reason: str
    """A code that does not change."""
    message: str
    advice: str
    said: str
    """What Telegram or the store said."""
    wait: int
    """Microseconds until the next try."""


class PollingResumed(Fact, frozen=True, kw_only=True):
    """Polling goes on after it was hindered."""

    bot: str


class WebhookSet(Fact, frozen=True, kw_only=True):
    """The gateway set its webhook: Telegram posts to it as wished."""

    bot: str
    why: str


class WebhookStolen(Fact, frozen=True, kw_only=True):
    """Telegram no longer posts where the gateway had it: somebody else took the webhook."""

    bot: str
    place: str
    """Scheme and host only; empty: nowhere."""


class WebhookContested(Fact, frozen=True, kw_only=True):
    """Somebody else sets the webhook again and again; the gateway tries once an hour now."""

    bot: str


class WebhookFailing(Fact, frozen=True, kw_only=True):
    """Telegram complains that it cannot deliver."""

    bot: str
    said: str
    means: str
    advice: str


class UpdatesPiling(Fact, frozen=True, kw_only=True):
    """More and more updates wait at Telegram."""

    bot: str
    pending: int


class CustodyHindered(Fact, frozen=True, kw_only=True):
    """The webhook could not be looked at or set. Noticed when the reason changes."""

    bot: str
    reason: str
    wait: int
    """Microseconds until the next try."""


class CustodyResumed(Fact, frozen=True, kw_only=True):
    """The webhook is looked after again."""

    bot: str


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
