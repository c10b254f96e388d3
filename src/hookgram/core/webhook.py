"""A bot's webhook: what Telegram says of it, what we want it to be, what its complaints mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import NamedTuple
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


class Cause(NamedTuple):
    """What Telegram complains of: how its message begins, what it means, what to do."""

    message: str
    means: str
    cure: str


CAUSES: tuple[Cause, ...] = (
    Cause(
        "Wrong response from the webhook: 403",
        "the secret that Telegram sends is not TELEGRAM_SECRET_TOKEN (or a proxy refuses Telegram)",
        "set both to the same: `hookgram webhook set --force`",
    ),
    Cause(
        "Wrong response from the webhook: 401",
        "a proxy before the gateway asks for a login",
        "let the proxy pass the webhook's path, or put user:password@ into the webhook's URL",
    ),
    Cause(
        "Wrong response from the webhook: 404",
        "nobody listens on this path",
        "compare the webhook's path with TELEGRAM_WEBHOOK_PATH and with what the proxy forwards",
    ),
    Cause(
        "Wrong response from the webhook: 405",
        "this path takes no POST: it is not the gateway that answers",
        "compare the webhook's path with TELEGRAM_WEBHOOK_PATH and with what the proxy forwards",
    ),
    Cause(
        "Wrong response from the webhook: 400",
        "what answers could not read the update, or is not the gateway",
        "set TELEGRAM_SECRET_TOKEN (the gateway then keeps even what it cannot read); look at "
        "the proxy",
    ),
    Cause(
        "Wrong response from the webhook: 410",
        "something says that the webhook is gone; after 23 hours of that Telegram removes it",
        "find out what answers there: the gateway never says 410",
    ),
    Cause(
        "Wrong response from the webhook: 413",
        "the update was larger than allowed",
        "raise MAX_BODY_SIZE_KB (512 is enough for Telegram) and the proxy's limit to 1 MB",
    ),
    Cause(
        "Wrong response from the webhook: 429",
        "a proxy limits how often Telegram may call",
        "take the limit off the webhook's path: the gateway limits per chat, without loss",
    ),
    Cause(
        "Wrong response from the webhook: 3",
        "the URL redirects, and Telegram follows no redirect",
        "set the URL that is redirected to, or stop the redirect for this path",
    ),
    Cause(
        "Wrong response from the webhook: 502",
        "the proxy could not reach the gateway",
        "see whether the gateway runs, and on the port the proxy calls",
    ),
    Cause(
        "Wrong response from the webhook: 503",
        "the gateway could not store the update, or the platform has it asleep",
        "look at /health/ready and the log: usually the disk is full; switch sleeping off",
    ),
    Cause(
        "Wrong response from the webhook: 504",
        "the proxy waited in vain for the gateway",
        "look at the gateway's log and at the disk's speed (`hookgram doctor`)",
    ),
    Cause(
        "Wrong response from the webhook: 5",
        "something failed before or in the gateway",
        "look at the proxy's log and the gateway's",
    ),
    Cause(
        "Wrong response from the webhook",
        "what answers there does not say 200",
        "find out what answers at this URL",
    ),
    Cause(
        "Connection refused",
        "the machine is there but nothing listens on the port",
        "start the gateway or its proxy, and open the port",
    ),
    Cause(
        "Connection timed out",
        "nothing answers: a firewall, a wrong address, or a machine that is off",
        "let 149.154.160.0/20 and 91.108.4.0/22 in, and see that the name leads to this machine",
    ),
    Cause(
        "Connection reset by peer",
        "the connection was cut half-way",
        "look at the proxy: idle connections must live longer than 60 seconds",
    ),
    Cause(
        "Webhook connection closed",
        "the connection was closed before an answer",
        "look at the proxy: idle connections must live longer than 60 seconds",
    ),
    Cause(
        "Read timeout expired",
        "no answer came within 60 seconds",
        "see whether the gateway runs and its disk is fast: `hookgram doctor`",
    ),
    Cause(
        "Write timeout expired",
        "the update could not be sent within 60 seconds",
        "look at the network between Telegram and the machine",
    ),
    Cause(
        "SSL error",
        "the TLS certificate was refused: expired, self-signed, for another name, or its chain is "
        "incomplete",
        "serve a valid certificate with its full chain, or have a proxy do it",
    ),
    Cause(
        "Can't create an SSL connection",
        "no TLS connection could be made",
        "serve a valid certificate with its full chain, or have a proxy do it",
    ),
    Cause(
        "Failed to resolve host",
        "the host's name leads nowhere",
        "correct the name or its DNS record; a new one may take an hour to be seen",
    ),
    Cause(
        "Can't connect to the webhook",
        "no connection could be opened",
        "see that the machine is on and its port open",
    ),
    Cause(
        "Network is unreachable",
        "no way leads to the machine",
        "see that the address is a public IPv4 address",
    ),
    Cause(
        "No route to host",
        "no way leads to the machine",
        "see that the machine is on and lets Telegram in",
    ),
    Cause(
        "IPv6-only addresses are not allowed",
        "the name has no IPv4 address, and Telegram calls no other",
        "give the name an A record",
    ),
    Cause(
        "URL is too long",
        "the request's head would be longer than 4096 bytes",
        "set a shorter URL",
    ),
)
"""Looked through from above: the first that fits. The documentation prints it."""

UNKNOWN = Cause("", "a complaint we do not know", "find out what answers at the webhook's URL")


def explain(message: str) -> Cause:
    """Say what Telegram's ``last_error_message`` means."""
    return next((cause for cause in CAUSES if message.startswith(cause.message)), UNKNOWN)


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
        if definition.bots is None or bot_id in definition.bots:
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
