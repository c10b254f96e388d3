"""What Telegram complains of, what it means, and what to do."""

from __future__ import annotations

from typing import NamedTuple


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
