"""What happened between the gateway and Telegram, beside the updates."""

from __future__ import annotations

from hookgram.core.facts.fact import Fact


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
