"""What there is to say of the clock, the bot and its webhook, from what Telegram answered."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from msgspec import Struct

from hookgram.core.complaints import explain
from hookgram.core.doctor.finding import Finding, found
from hookgram.core.doctor.words import some, span
from hookgram.core.kinds import KINDS
from hookgram.core.model import HOUR, MINUTE, SECOND, Micros
from hookgram.core.webhook import Me, Webhook, join_url, missing_kinds, shown

CLOCK_OFF = 5 * SECOND
CLOCK_WRONG = MINUTE
"""Standard Webhooks' libraries allow five minutes; something is broken long before."""
RECENT = 15 * MINUTE
MANY_PENDING = 100
FEW_CONNECTIONS = 10


class Expected(Struct, frozen=True, kw_only=True):
    """What the settings say of the webhook. ``url`` None: nobody told our own address."""

    url: str | None
    path: str
    kinds: Collection[str] = tuple(KINDS)
    """What the bot's targets want."""
    polling: bool = False
    """Whether updates are asked for; then there must be no webhook."""
    resolved: Collection[str] = ()
    """The addresses that the webhook's name leads to from here; empty if that is unknown."""


def expect(
    webhook: str,
    *,
    public_url: str | None,
    own_address: str | None,
    path: str,
    kinds: Collection[str] = tuple(KINDS),
    polling: bool = False,
    resolved: Collection[str] = (),
) -> Expected:
    """Say what is expected of a bot whose webhook is *webhook*.

    *own_address* is what the platform calls us. It confirms, but it does not contradict: a gateway
    may have a name of its own besides.
    """
    ours = join_url(own_address, path) if own_address else None
    if public_url:
        url: str | None = join_url(public_url, path)
    else:
        url = ours if ours == webhook else None
    return Expected(url=url, path=path, kinds=kinds, polling=polling, resolved=resolved)


def of_clock(ahead: Micros) -> Finding:
    """Judge the clock by how far it is ahead of Telegram's."""
    way = "ahead of" if ahead > 0 else "behind"
    sentence = f"this machine's clock is {span(abs(ahead))} {way} Telegram's"
    if abs(ahead) > CLOCK_WRONG:
        return found("clock_wrong", sentence)
    if abs(ahead) > CLOCK_OFF:
        return found("clock_off", sentence)
    return found("clock_right", "this machine's clock agrees with Telegram's")


def of_bot(me: Me, *, groups: bool) -> list[Finding]:
    """Say who the bot is. *groups*: whether updates of groups are wanted."""
    findings = [found("token_known", f"the token is @{me.username or me.bot_id}'s")]
    if groups and not me.reads_groups:
        sentence = "in groups Telegram sends this bot commands and replies only (privacy mode)"
        findings.append(found("privacy_mode", sentence))
    return findings


def of_webhook(webhook: Webhook, expected: Expected, *, now: Micros) -> list[Finding]:
    """Judge the webhook at the moment *now*."""
    if expected.polling:
        return _of_polling(webhook, expected)
    if not webhook.url:
        waiting = f"; {webhook.pending} updates wait there" if webhook.pending else ""
        return [found("webhook_absent", f"no webhook is set: Telegram posts nothing{waiting}")]
    return [
        _address(webhook, expected),
        *_complaints(webhook, now),
        *_waiting(webhook),
        *_terms(webhook, expected),
        *_where(webhook, expected),
        found("webhook_secret", "Telegram does not tell which secret it sends"),
    ]


def _of_polling(webhook: Webhook, expected: Expected) -> list[Finding]:
    if webhook.url:
        place = shown(webhook.url, expected.path)
        return [found("polling_blocked", f"Telegram posts to {place}, and lets nobody poll")]
    return [
        found("polling_possible", "no webhook is set: updates can be polled"),
        *_waiting(webhook),
    ]


def _address(webhook: Webhook, expected: Expected) -> Finding:
    place = shown(webhook.url, expected.path)
    if expected.url is not None:
        if webhook.url == expected.url:
            return found("webhook_right", f"Telegram posts to {place}")
        wanted = shown(expected.url, expected.path)
        return found("webhook_elsewhere", f"Telegram posts to {place}, not to {wanted}")
    if urlsplit(webhook.url).path != expected.path:
        sentence = f"Telegram posts to {place}, not to the path {expected.path}"
        return found("webhook_elsewhere", sentence)
    return found("webhook_unverified", f"Telegram posts to {place}; is that this gateway?")


def _complaints(webhook: Webhook, now: Micros) -> list[Finding]:
    findings = []
    if webhook.error_at is not None:
        age = max(now - webhook.error_at, 0)
        cause = explain(webhook.error or "")
        said = f'{span(age)} ago Telegram met: "{webhook.error}": {cause.means}'
        failing = age < RECENT or (webhook.pending > 0 and age < HOUR)
        code = "webhook_failing" if failing else "webhook_failed"
        findings.append(found(code, said, remedy=cause.cure))
    if webhook.synchronization_error_at is not None:
        age = max(now - webhook.synchronization_error_at, 0)
        if age < HOUR:
            sentence = f"{span(age)} ago Telegram had trouble of its own fetching updates"
            findings.append(found("webhook_synchronization", sentence))
    return findings


def _waiting(webhook: Webhook) -> list[Finding]:
    if webhook.pending < MANY_PENDING:
        return []
    return [found("webhook_pending", f"{webhook.pending} updates wait at Telegram")]


def _terms(webhook: Webhook, expected: Expected) -> list[Finding]:
    findings = []
    missing = missing_kinds(webhook.allowed, expected.kinds)
    if missing:
        findings.append(found("webhook_kinds", f"Telegram does not send: {some(missing)}"))
    if webhook.connections is not None and webhook.connections < FEW_CONNECTIONS:
        sentence = f"Telegram posts at most {webhook.connections} updates at once"
        findings.append(found("webhook_connections", sentence))
    if webhook.certificate:
        sentence = "Telegram trusts the uploaded certificate and no other"
        findings.append(found("webhook_certificate", sentence))
    return findings


def _where(webhook: Webhook, expected: Expected) -> list[Finding]:
    address = webhook.address or ""
    # Telegram says "<unknown>" until it has looked the name up.
    if not expected.resolved or not address[:1].isdigit() or address in expected.resolved:
        return []
    seen = some(sorted(expected.resolved))
    sentence = f"Telegram posts to {address}; from here the name leads to {seen}"
    return [found("webhook_address", sentence)]
