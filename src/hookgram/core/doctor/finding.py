"""Findings, and the table of all there are: its codes are stable, the documentation prints it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class Level(StrEnum):
    """How much a finding matters. Only a problem makes the doctor say no."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


class Kind(NamedTuple):
    """One kind of finding: its area, its level, what it means, what to do."""

    area: str
    level: Level
    means: str
    remedy: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found. ``subject``: which setting or target it concerns, else empty."""

    code: str
    area: str
    level: Level
    subject: str
    sentence: str
    remedy: str


_OK, _NOTE, _WARNING, _PROBLEM = Level.OK, Level.NOTE, Level.WARNING, Level.PROBLEM

_SETTINGS = {
    "settings_sound": Kind("settings", _OK, "all settings can be read"),
    "setting_wrong": Kind(
        "settings", _PROBLEM, "a setting cannot be used, and `serve` would not start", "correct it"
    ),
    "no_secret": Kind(
        "settings",
        _PROBLEM,
        "anybody can post updates: no TELEGRAM_SECRET_TOKEN",
        "set it, then `hookgram webhook set --force`",
    ),
    "nobody_admitted": Kind(
        "settings",
        _PROBLEM,
        "no chat is admitted, every update is refused",
        "set PUBLIC_MODE=true or AUTHORIZED_CHAT_IDS",
    ),
    "example_token": Kind(
        "settings", _PROBLEM, "BOT_TOKEN is still the example's", "put in your own, from @BotFather"
    ),
    "no_target": Kind(
        "settings",
        _PROBLEM,
        "updates are stored and go nowhere",
        "set TARGET_WEBHOOK_URL",
    ),
    "together": Kind(
        "settings",
        _WARNING,
        "the URLs of TARGET_WEBHOOK_URLS are retried together: one that fails makes the others see "
        "updates twice",
        "set FANOUT_RETRY=independent",
    ),
    "same_url_twice": Kind(
        "settings", _NOTE, "TARGET_WEBHOOK_URLS names a URL twice: it gets each update once"
    ),
    "unsigned": Kind(
        "settings",
        _NOTE,
        "what we send is not signed, so targets cannot tell it from a forgery",
        "set OUTBOUND_SECRET (openssl rand -hex 32) and verify it in the targets",
    ),
    "weak_signature": Kind(
        "settings", _WARNING, "OUTBOUND_SECRET is short", "use 24 bytes or more"
    ),
    "bad_whsec": Kind(
        "settings",
        _WARNING,
        "OUTBOUND_SECRET starts with whsec_ but the rest is no base64",
        "copy it again, or make one with openssl rand -hex 32",
    ),
    "unknown_setting": Kind(
        "settings", _WARNING, "a variable looks like a setting and is none", "correct its name"
    ),
    "retries_few": Kind(
        "settings",
        _NOTE,
        "a target that is down for minutes makes dead letters: too few retries",
        "set MAX_RETRIES=12, which spans about two hours",
    ),
}

_STORE = {
    "store_sound": Kind("store", _OK, "the store can be read, with versions and size"),
    "store_new": Kind("store", _NOTE, "there is no store yet: `serve` makes it"),
    "store_running": Kind("store", _OK, "a gateway works on the store"),
    "store_idle": Kind(
        "store", _NOTE, "no gateway works on the store now", "start one: `hookgram serve`"
    ),
    "sqlite_old": Kind(
        "store",
        _PROBLEM,
        "this SQLite may corrupt its log",
        "install the apsw wheel hookgram asks for (SQLite 3.51.3 or newer)",
    ),
    "schema_newer": Kind(
        "store",
        _PROBLEM,
        "a newer hookgram wrote the store",
        "run that version, or restore a copy from before it",
    ),
    "schema_older": Kind("store", _NOTE, "the store's schema is brought up to date at next start"),
    "store_foreign": Kind(
        "store",
        _PROBLEM,
        "the file is no store of hookgram's",
        "choose another SQLITE_PATH",
    ),
    "store_broken": Kind(
        "store",
        _PROBLEM,
        "the store cannot be read",
        "look at the disk; restore the file from a copy if it is damaged",
    ),
    "store_readonly": Kind(
        "store",
        _PROBLEM,
        "the store cannot be written, so no update can be taken",
        "let the gateway's user write the file and its folder (on Railway: RAILWAY_RUN_UID=0)",
    ),
    "disk_slow": Kind(
        "store",
        _WARNING,
        "the disk takes long to make a write safe: every update waits for that",
        "put SQLITE_PATH on a local SSD",
    ),
    "space_low": Kind(
        "store",
        _WARNING,
        "little space is left: when none is, no update can be taken",
        "enlarge the volume, or lower RETENTION_HOURS and DEAD_RETENTION_DAYS",
    ),
    "space_out": Kind(
        "store",
        _PROBLEM,
        "next to no space is left: updates are about to be refused with 503",
        "enlarge the volume now; Telegram keeps updates for up to 24 hours",
    ),
    "store_networked": Kind(
        "store",
        _PROBLEM,
        "the store lies on a network file system, where SQLite's log is not safe",
        "put SQLITE_PATH on a disk of this machine",
    ),
    "store_in_memory": Kind(
        "store",
        _PROBLEM,
        "the store lies in memory: stored updates do not survive a restart",
        "put SQLITE_PATH on a disk",
    ),
    "store_ephemeral": Kind(
        "store",
        _PROBLEM,
        "the store lies on no volume: a new deployment begins empty, and what waited is lost",
        "attach a volume and put SQLITE_PATH on it, like /data/events.db",
    ),
    "store_in_container": Kind(
        "store",
        _WARNING,
        "the store lies in the container itself: it goes when the container is removed",
        "mount a volume and put SQLITE_PATH on it, like /data/events.db",
    ),
    "orphan": Kind(
        "store",
        _WARNING,
        "no setting names this target any more, and its work waits",
        "name it again, or give its work up: `hookgram targets remove NAME`",
    ),
    "dead_letters": Kind(
        "store",
        _WARNING,
        "a target has dead letters: updates that could not be delivered",
        "`hookgram dead list`, then `hookgram dead replay`",
    ),
    "backlog": Kind(
        "store",
        _NOTE,
        "many deliveries wait for a target",
        "see whether it answers; TARGET_SLOTS gives it more at once",
    ),
    "refused_updates": Kind(
        "store",
        _NOTE,
        "updates of chats that are not admitted were refused",
        "add the chats you want to AUTHORIZED_CHAT_IDS",
    ),
}

_CLOCK = {
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

_TELEGRAM = {
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

_TARGETS = {
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

_PLATFORM = {
    "platform": Kind("platform", _OK, "what the gateway runs on"),
    "memory_low": Kind(
        "platform",
        _WARNING,
        "there is little memory: the process may be killed (nothing stored is lost)",
        "give it 256 MB or more",
    ),
    "grace_missing": Kind(
        "platform",
        _WARNING,
        "the platform kills at once when it stops the gateway: attempts in flight are repeated",
        "set RAILWAY_DEPLOYMENT_DRAINING_SECONDS to SHUTDOWN_GRACE_SEC + 5",
    ),
    "grace_short": Kind(
        "platform",
        _WARNING,
        "the platform gives less time to stop than SHUTDOWN_GRACE_SEC: it kills first",
        "raise the platform's time, or lower SHUTDOWN_GRACE_SEC",
    ),
    "grace_unseen": Kind(
        "platform",
        _NOTE,
        "the platform's time to stop cannot be seen from here, and its default is too short",
        "set it to SHUTDOWN_GRACE_SEC + 5 (Fly.io: kill_timeout and kill_signal; Docker: "
        "stop_grace_period)",
    ),
}

_DOCTOR = {
    "not_checked": Kind(
        "doctor",
        _PROBLEM,
        "a check did not end in time or failed",
        "run it again; report it if it stays",
    ),
}

KINDS: dict[str, Kind] = {
    **_SETTINGS,
    **_STORE,
    **_CLOCK,
    **_TELEGRAM,
    **_TARGETS,
    **_PLATFORM,
    **_DOCTOR,
}


def found(code: str, sentence: str, *, subject: str = "", remedy: str | None = None) -> Finding:
    """Make a finding; *remedy* replaces the general one where more is known."""
    kind = KINDS[code]
    return Finding(
        code=code,
        area=kind.area,
        level=kind.level,
        subject=subject,
        sentence=sentence,
        remedy=kind.remedy if remedy is None else remedy,
    )
