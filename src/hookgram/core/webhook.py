"""A bot's webhook: what Telegram says of it, and what we want it to be."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from hookgram.core.addresses import refusal
from hookgram.core.definition import Definition
from hookgram.core.kinds import KINDS
from hookgram.core.model import Micros
from hookgram.core.redact import safe_url

OFFICIAL = "https://api.telegram.org"
PORTS = (443, 80, 88, 8443)
"""The only ports Telegram posts to."""
CONNECTIONS = 40
"""Telegram's own default of ``max_connections``."""
ASKED_FOR = ("chat_member", "message_reaction", "message_reaction_count")
"""Kinds that Telegram sends only to those who name them."""


class Webhook(Struct, frozen=True, kw_only=True):
    """What Telegram says of a bot's webhook; ``url`` is empty when there is none.

    ``allowed`` None means Telegram's default: every kind but those in ``ASKED_FOR``. The secret is
    never told.
    """

    url: str
    pending: int = 0
    address: str | None = None
    certificate: bool = False
    connections: int | None = None
    allowed: tuple[str, ...] | None = None
    error: str | None = None
    error_at: Micros | None = None
    synchronization_error_at: Micros | None = None


class Wish(Struct, frozen=True, kw_only=True):
    """What a webhook shall be. ``secret`` goes along with each update; None: nothing does."""

    url: str
    secret: str | None
    connections: int = CONNECTIONS
    allowed: tuple[str, ...] = tuple(KINDS)


class Me(Struct, frozen=True, kw_only=True):
    """The bot as Telegram knows it. ``reads_groups``: it is sent all that is written in groups."""

    bot_id: int
    username: str | None
    reads_groups: bool


def url_problem(url: str) -> str | None:
    """Say why Telegram would not post to *url*, with what to do; None when it would."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        return "is no URL; write it like https://gateway.example.com"
    if parts.scheme != "https":
        return "must begin with https:// because Telegram posts nowhere else"
    if not any(sign in host.strip(".") for sign in ".:"):
        return "must name a host that Telegram can reach, like https://gateway.example.com"
    if "#" in url or any(c.isspace() or not c.isprintable() for c in url):
        return "must not hold a space or a fragment (#…)"
    if port not in PORTS:
        return f"has port {port}, but Telegram posts to 443, 80, 88 and 8443 only"
    return _host_problem(host)


def _host_problem(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if address.version == 6:
        return "names an IPv6 address, but Telegram calls IPv4 only"
    why = refusal(address)
    return f"names an address Telegram does not call ({why})" if why else None


def join_url(origin: str, path: str) -> str:
    """Return the webhook's URL: *origin* as it stands when it has a path, else with *path*."""
    return origin if urlsplit(origin).path.strip("/") else origin.rstrip("/") + path


def shown(url: str, path: str) -> str:
    """Show a webhook's URL; of its path only what is the gateway's own *path*."""
    parts = urlsplit(url)
    if parts.path != path or parts.query:
        return safe_url(url)
    return safe_url(f"{parts.scheme}://{parts.netloc}") + path


def wanted_kinds(definitions: Iterable[Definition], bot_id: int) -> tuple[str, ...]:
    """List the kinds that a bot's targets want together: all that are known, unless each names its.

    Kinds that we do not know are named as they are; Telegram may.
    """
    wanted: set[str] = set()
    for definition in definitions:
        if definition.takes(bot_id):
            kinds = definition.filter.kinds if definition.filter else None
            if kinds is None:
                return tuple(KINDS)
            wanted |= kinds
    order = [*KINDS, *sorted(wanted - KINDS.keys())]
    return tuple(kind for kind in order if kind in wanted) or tuple(KINDS)


def missing_kinds(
    allowed: tuple[str, ...] | None, wanted: Collection[str] = KINDS
) -> tuple[str, ...]:
    """List the kinds of update that are wanted and that Telegram does not send."""
    if not allowed:
        return tuple(kind for kind in ASKED_FOR if kind in wanted)
    return tuple(kind for kind in wanted if kind not in allowed)


def differences(webhook: Webhook, wish: Wish, path: str) -> list[str]:
    """Say in words what setting would change; the secret cannot be compared."""
    found = []
    if webhook.url != wish.url:
        before = shown(webhook.url, path) if webhook.url else "not set"
        found.append(f"address: {before} → {shown(wish.url, path)}")
    connections = webhook.connections or CONNECTIONS
    if connections != wish.connections:
        found.append(f"connections at once: {connections} → {wish.connections}")
    missing = missing_kinds(webhook.allowed, wish.allowed)
    if missing:
        found.append(f"kinds that were not sent: {', '.join(missing)}")
    extra = [kind for kind in webhook.allowed or () if kind not in wish.allowed]
    if extra:
        found.append(f"kinds that will no longer be sent: {', '.join(extra)}")
    if webhook.certificate:
        found.append("the uploaded certificate is given up: the system's authorities decide")
    return found
