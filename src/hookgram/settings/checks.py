"""What is wrong with settings, and what is risky, each with what to do about it."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from hookgram.core.definition import Origin
from hookgram.core.doctor.platform import own_address
from hookgram.core.facts import Warned
from hookgram.core.identity import bot_id
from hookgram.core.signing import PREFIX, key_of
from hookgram.settings import databases
from hookgram.settings.bots import of_bot

if TYPE_CHECKING:
    from hookgram.settings.derived import Settings

TAKEN = ("/", "/health", "/health/ready", "/stats", "/docs", "/openapi.json")
EXAMPLE_TOKEN = "123456:REPLACE-WITH-THE-TOKEN-FROM-BOTFATHER"  # noqa: S105  (that is its point)
SHORTEST_KEY = 24
LARGEST_BOT_ID = 2**63 - 1
SHORTEST_TAIL = 16
"""What stands after the colon of a bot token; shorter ones are no token of Telegram's."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?")


def of_field(name: str, value: Any, others: Mapping[str, Any]) -> str | None:
    """Say what is wrong with one setting, never its value; None when nothing is.

    *others* are the settings before it in the table that are well-formed.
    """
    value = _plain(value)
    check = _CHECKS.get(name)
    if value is None:
        return None
    wrong = check(value) if check is not None else None
    if wrong is None and name == "webhook_custody" and value == "on":
        wrong = _custody(others)
    if wrong is None and name in _TOKEN_FREE:
        wrong = _holding_token(value, _plain(others.get("bot_token")))
    return wrong


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _holding_token(value: str, token: str | None) -> str | None:
    secret_part = (token or "").partition(":")[2]
    if len(secret_part) >= SHORTEST_TAIL and secret_part in value:
        return "holds the bot token; use something else, for instance from: openssl rand -hex 32"
    return None


def _token(token: str) -> str | None:
    number = bot_id(token) if token.isascii() else None
    if number is None or number > LARGEST_BOT_ID:
        return "not a bot token; copy it from @BotFather, like 123456:ABC-DEF…"
    return None


def _ingest_secret(secret: str) -> str | None:
    if ":" in secret and bot_id(secret) is not None:
        return "is a bot token; use something else, for instance from: openssl rand -hex 32"
    if not _SECRET.fullmatch(secret):
        return (
            "Telegram allows 1 to 256 of A-Z a-z 0-9 _ - only; make one with: openssl rand -hex 32"
        )
    return None


def _signing_secret(secret: str) -> str | None:
    if not key_of(secret):
        return "holds no key; make one with: openssl rand -hex 32"
    return None


def _path(path: str) -> str | None:
    if path.rstrip("/") in TAKEN or path == "/" or path.startswith("/docs/"):
        return "is taken by the gateway itself; use /telegram/webhook"
    if not _PATH.fullmatch(path):
        return 'must be a path like /telegram/webhook: "/" first, no spaces, "%", "?" or "#"'
    return None


def _file(path: str) -> str | None:
    if path.startswith((":", "file:")):
        return "must be the path of a file: updates have to survive the process"
    if path.startswith(("~", "$")):
        return "is taken as it is written, without ~ and $: write the folder out, like /var/lib/…"
    if path.endswith("/") or Path(path).is_dir():
        return f"is a folder; name a file in it, like {path.rstrip('/')}/events.db"
    return None


def _urls(urls: tuple[str, ...]) -> str | None:
    wrong = [f"number {n} is {why}" for n, url in enumerate(urls, 1) if (why := _url(url))]
    return "; ".join(wrong) or None


def _url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not a URL; write it like https://example.com/telegram"
    if parts.scheme not in {"http", "https"} or not host:
        return "not an http or https URL; write it like https://example.com/telegram"
    if "#" in url or any(c.isspace() or not c.isprintable() for c in url):
        return "a URL with a space or a fragment (#…), which cannot be sent; leave it out"
    return None


def _public_url(url: str) -> str | None:
    wrong = _url(url)
    if wrong is not None:
        return wrong.replace("example.com/telegram", "gateway.example.com")
    if "?" in url:
        return "holds a query (?…); write it like https://gateway.example.com"
    return None


def _custody(others: Mapping[str, Any]) -> str | None:
    if others.get("ingest_mode") == "polling":
        return "there is no webhook to keep with INGEST_MODE=polling; leave one of the two out"
    if others.get("public_url") is None and own_address(os.environ) is None:
        return "needs our own address; set PUBLIC_URL, like https://gateway.example.com"
    return None


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    "bot_token": _token,
    "telegram_secret_token": _ingest_secret,
    "telegram_webhook_path": _path,
    "target_webhook_url": _url,
    "target_webhook_urls": _urls,
    "telegram_api_url": _url,
    "outbound_secret": _signing_secret,
    "sqlite_path": _file,
    "database_url": databases.wrong,
    "database_direct_url": databases.wrong,
    "public_url": _public_url,
}

_TOKEN_FREE = frozenset({"telegram_secret_token", "telegram_webhook_path", "outbound_secret"})
"""What others get to see, or what a log would show: the bot token has no place in it."""


def warnings(settings: Settings) -> list[Warned]:
    """List what works but should be known."""
    told = {
        "no_secret": (
            settings.part.takes
            and settings.bot_token is not None
            and not (settings.ingest_secret or settings.polls or settings.kept_url),
            "ANYBODY CAN POST UPDATES: TELEGRAM_SECRET_TOKEN is not set",
            (
                "set it, and the same secret_token at setWebhook (make one with: "
                "openssl rand -hex 32)"
            ),
        ),
        "custody_off": (
            settings.part.takes and settings.custody_problem is not None,
            f"we do not keep our webhook: our address {settings.custody_problem}",
            "set PUBLIC_URL to the address that Telegram posts to, or WEBHOOK_CUSTODY=off",
        ),
        "nobody_admitted": (
            settings.part.takes and not settings.public_mode and not settings.authorized_chat_ids,
            "no chat is admitted",
            (
                "set PUBLIC_MODE=true, or AUTHORIZED_CHAT_IDS to the chats you want; each refused "
                "chat is logged once with its id"
            ),
        ),
        "example_token": (
            any(one.token == EXAMPLE_TOKEN for one in settings.bots()),
            "a bot's token is still the example's",
            "put in your own, from @BotFather",
        ),
        "no_target": (
            not settings.definitions(),
            "there is no target: updates are stored and go nowhere",
            "set TARGET_WEBHOOK_URL",
        ),
        "together": (
            any(definition.together for definition in settings.definitions()),
            (
                "the URLs of TARGET_WEBHOOK_URLS succeed or are retried together: one that fails "
                "makes the others see updates twice"
            ),
            "FANOUT_RETRY=independent is recommended",
        ),
        "same_url_twice": (
            len(set(settings.target_webhook_urls)) < len(settings.target_webhook_urls),
            "TARGET_WEBHOOK_URLS names a URL twice",
            "leave one out: it gets each update once",
        ),
        "weak_signature": (
            _weak(settings),
            "OUTBOUND_SECRET is short",
            "use 24 bytes or more, for instance from: openssl rand -hex 32",
        ),
        "unused_database": (
            settings.database_url is not None and settings.shared_database is None,
            "DATABASE_URL is set but not used",
            "set QUEUE_BACKEND=postgres to store there, or leave it out",
        ),
        "bad_whsec": (
            _bad_whsec(settings),
            "OUTBOUND_SECRET starts with whsec_ but the rest is no base64: it is used as it stands",
            "copy it again, or make one with: openssl rand -hex 32",
        ),
    }
    general = [
        Warned(code=code, message=message, advice=advice)
        for code, (holds, message, advice) in told.items()
        if holds
    ]
    return [*general, *_of_file(settings)]


def _of_file(settings: Settings) -> list[Warned]:
    """List what should be known of the configuration file's bots and targets."""
    named = settings.bots()[settings.bot_token is not None :]
    open_ = [
        Warned(
            code="no_secret",
            message=f"ANYBODY CAN POST UPDATES of bot {one.bot.name}: it has no secret_token",
            advice="give it one, and the same at setWebhook (hookgram webhook set --bot "
            f"{one.bot.name})",
        )
        for one in named
        if settings.part.takes
        and one.secret is None
        and not (one.polls or of_bot(settings, one.bot.name).kept_url)  # no door; a secret we made
    ]
    weak = [
        Warned(
            code="weak_signature",
            message=f"a secret of target {definition.name} is short",
            advice="use 24 bytes or more, for instance from: openssl rand -hex 32",
        )
        for definition in settings.definitions()
        if definition.origin is Origin.FILE
        and not _weak(settings)
        and any(len(key_of(secret)) < SHORTEST_KEY for secret in definition.secrets)
    ]
    return [*open_, *weak]


def orphaned(names: Sequence[str]) -> list[Warned]:
    """Warn of targets whose name is gone from the configuration: their work waits."""
    return [
        Warned(
            code="orphan",
            message=f"no setting names target {name} any more: its work waits",
            advice=f"name it again, or cancel its work: hookgram targets remove {name}",
        )
        for name in names
    ]


def _weak(settings: Settings) -> bool:
    secret = settings.outbound_secret
    return secret is not None and len(key_of(secret.get_secret_value())) < SHORTEST_KEY


def _bad_whsec(settings: Settings) -> bool:
    secret = settings.outbound_secret.get_secret_value() if settings.outbound_secret else ""
    if not secret.startswith(PREFIX):
        return False
    try:
        base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return True
    return False
