"""The findings about the other side: the clock, Telegram, the targets."""

from __future__ import annotations

from hookgram.core.doctor.kind import Kind, Level

_OK, _NOTE, _WARNING, _PROBLEM = Level.OK, Level.NOTE, Level.WARNING, Level.PROBLEM

CLOCK = {
    "clock_right": Kind("clock", _OK, "this machine's clock agrees with Telegram's"),
    "clock_off": Kind(
        "clock",
        _WARNING,
        "this machine's clock is seconds off: times in the log and in signatures are too",
        "switch time synchronisation on (NTP)",
    ),
    "clock_wrong": Kind(
        "clock",
        _PROBLEM,
        "this machine's clock is minutes off: targets that check signatures refuse what we send",
        "switch time synchronisation on (NTP)",
    ),
}

TELEGRAM = {
    "token_known": Kind("telegram", _OK, "Telegram knows the bot token"),
    "token_rejected": Kind(
        "telegram",
        _PROBLEM,
        "Telegram does not know the bot token",
        "copy it again from @BotFather (/mybots, API Token)",
    ),
    "telegram_unavailable": Kind(
        "telegram",
        _PROBLEM,
        "Telegram did not answer: the token and the webhook are not checked",
        "see whether this machine reaches TELEGRAM_API_URL; try again later",
    ),
    "telegram_refused": Kind(
        "telegram", _PROBLEM, "Telegram says no", "see what it says; a local server may differ"
    ),
    "privacy_mode": Kind(
        "telegram",
        _NOTE,
        "in groups Telegram sends the bot commands and replies to it only",
        "to get all messages: @BotFather, /setprivacy, Disable; then add the bot to the group anew",
    ),
    "polling_possible": Kind(
        "telegram", _OK, "updates can be polled: no webhook is in the way (`INGEST_MODE=polling`)"
    ),
    "polling_blocked": Kind(
        "telegram",
        _PROBLEM,
        "a webhook is set: Telegram then lets nobody poll (`INGEST_MODE=polling`)",
        "`hookgram webhook delete`, or set INGEST_MODE=webhook",
    ),
    "webhook_right": Kind("telegram", _OK, "Telegram posts to this gateway"),
    "webhook_absent": Kind(
        "telegram",
        _PROBLEM,
        "no webhook is set: Telegram posts nothing",
        "`hookgram webhook set --url https://…`",
    ),
    "webhook_elsewhere": Kind(
        "telegram",
        _PROBLEM,
        "Telegram posts to another address: somebody else took the webhook, or it moved",
        "`hookgram webhook set`; a bot has one webhook, so stop the other one",
    ),
    "webhook_unverified": Kind(
        "telegram",
        _NOTE,
        "Telegram posts somewhere; without PUBLIC_URL nobody can tell whether that is this gateway",
        "set PUBLIC_URL to this gateway's address, like https://gateway.example.com",
    ),
    "webhook_failing": Kind(
        "telegram",
        _PROBLEM,
        "Telegram could not deliver a moment ago",
        "see what it complains of: `hookgram webhook info`",
    ),
    "webhook_failed": Kind(
        "telegram", _NOTE, "Telegram could not deliver some time ago; nothing has waited since"
    ),
    "webhook_pending": Kind(
        "telegram",
        _WARNING,
        "many updates wait at Telegram",
        "see whether the gateway runs and answers; wait while they come",
    ),
    "webhook_synchronization": Kind(
        "telegram",
        _NOTE,
        "Telegram had trouble of its own fetching this bot's updates a short while ago",
    ),
    "webhook_kinds": Kind(
        "telegram",
        _NOTE,
        "Telegram does not send some kinds of update",
        "`hookgram webhook set` asks for all of them",
    ),
    "webhook_connections": Kind(
        "telegram",
        _NOTE,
        "Telegram may post only a few updates at once",
        "`hookgram webhook set --max-connections 40`",
    ),
    "webhook_certificate": Kind(
        "telegram",
        _NOTE,
        "Telegram trusts an uploaded certificate only: when it is renewed, upload it again",
    ),
    "webhook_address": Kind(
        "telegram",
        _NOTE,
        "Telegram posts to an address that the name does not lead to from here",
        "usual behind a CDN or shortly after a move; else `hookgram webhook set --force`",
    ),
    "webhook_secret": Kind(
        "telegram",
        _NOTE,
        "Telegram does not tell the secret it sends: it cannot be compared with "
        "TELEGRAM_SECRET_TOKEN",
        "if updates are answered 403: `hookgram webhook set --force`",
    ),
}

TARGETS = {
    "target_reached": Kind("targets", _OK, "the target can be reached"),
    "target_dns": Kind(
        "targets", _PROBLEM, "the target's name cannot be resolved", "correct its URL or the DNS"
    ),
    "target_unreached": Kind(
        "targets",
        _PROBLEM,
        "no connection to the target: updates wait and are tried again",
        "start it, or correct its URL; from a container, localhost is the container itself",
    ),
    "target_tls": Kind(
        "targets",
        _PROBLEM,
        "the target's TLS certificate is refused",
        "renew it, serve its full chain, or correct the name in the URL",
    ),
    "target_certificate_ends": Kind(
        "targets",
        _WARNING,
        "the target's TLS certificate ends soon: deliveries stop then",
        "renew it",
    ),
    "target_plain": Kind(
        "targets",
        _WARNING,
        "updates travel over the internet as plain text: the target's URL begins with http://",
        "use https://",
    ),
    "target_took_test": Kind("targets", _OK, "the target took the signed test"),
    "target_refused_test": Kind(
        "targets",
        _PROBLEM,
        "the target did not take the signed test: it would not take updates either",
        "see what its answer means in docs/reference/answers.md, and look at the target's log",
    ),
}
