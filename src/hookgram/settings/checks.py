"""What is wrong with settings, and what is risky, each with what to do about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from hookgram.core.facts import Warned
from hookgram.core.identity import bot_id
from hookgram.core.signing import PREFIX

if TYPE_CHECKING:
    from hookgram.settings.knobs import Settings

TAKEN = ("/", "/health", "/health/ready", "/stats", "/docs", "/openapi.json")
SHORTEST_SECRET = 24
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


def of_field(name: str, value: Any) -> str | None:
    """Say what is wrong with one setting, never its value; None when nothing is."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    check = _CHECKS.get(name)
    return check(value) if check is not None and value is not None else None


def of_all(settings: Settings) -> list[str]:
    """List what is wrong between settings that are each well-formed."""
    token, path = settings.bot_token.get_secret_value(), settings.telegram_webhook_path
    if token.partition(":")[2] in path:
        return ["TELEGRAM_WEBHOOK_PATH: holds the bot token, which logs would show; leave it out"]
    return []


def _token(token: str) -> str | None:
    if bot_id(token) is None:
        return "not a bot token; copy it from @BotFather, like 123456:ABC-DEF…"
    return None


def _ingest_secret(secret: str) -> str | None:
    if not _SECRET.fullmatch(secret):
        return (
            "Telegram allows 1 to 256 of A-Z a-z 0-9 _ - only; make one with: openssl rand -hex 32"
        )
    return None


def _path(path: str) -> str | None:
    if not path.startswith("/") or any(character in path for character in "?# "):
        return 'must be a path that starts with "/"'
    return f"{path} is taken; use /telegram/webhook" if path in TAKEN else None


def _urls(urls: tuple[str, ...]) -> str | None:
    return next((why for url in urls if (why := _url(url))), None)


def _url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not a URL; write it like https://example.com/telegram"
    if parts.scheme not in {"http", "https"} or not host:
        return "not an http or https URL; write it like https://example.com/telegram"
    if parts.fragment or any(character.isspace() for character in url):
        return "holds a space or a fragment (#…), which cannot be sent; leave it out"
    return None


def _later(*wanted: str) -> Callable[[str], str | None]:
    """Refuse values that ask for what is not there yet: never ignored in silence."""

    def check(value: str) -> str | None:
        if not wanted or value in wanted:
            return "not available in this version; leave it out"
        return None

    return check


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    "bot_token": _token,
    "telegram_secret_token": _ingest_secret,
    "telegram_webhook_path": _path,
    "target_webhook_url": _url,
    "target_webhook_urls": _urls,
    "telegram_api_url": _url,
    "queue_backend": _later("postgres"),
    "database_url": _later(),
    "config_file": _later(),
    "ingest_mode": _later("polling"),
    "public_url": _later(),
    "webhook_custody": _later("on"),
}


def warnings(settings: Settings) -> list[Warned]:
    """List what works but should be known."""
    told = {
        "no_secret": (
            settings.ingest_secret is None,
            (
                "ANYBODY CAN POST UPDATES: set TELEGRAM_SECRET_TOKEN, and the same secret_token at "
                "setWebhook (make one with: openssl rand -hex 32)"
            ),
        ),
        "nobody_admitted": (
            not settings.public_mode and not settings.authorized_chat_ids,
            (
                "no chat is admitted: set PUBLIC_MODE=true, or AUTHORIZED_CHAT_IDS to the chats "
                "you want; each refused chat is logged once with its id"
            ),
        ),
        "no_target": (
            not settings.definitions(),
            "there is no target: updates are stored and go nowhere; set TARGET_WEBHOOK_URL",
        ),
        "together": (
            any(definition.together for definition in settings.definitions()),
            (
                "the URLs of TARGET_WEBHOOK_URLS succeed or are retried together: one that fails "
                "makes the others see updates twice; FANOUT_RETRY=independent is recommended"
            ),
        ),
        "weak_signature": (_weak(settings), "OUTBOUND_SECRET is short: 24 bytes or more, please"),
        "bad_whsec": (
            _bad_whsec(settings),
            "OUTBOUND_SECRET starts with whsec_ but the rest is no base64: it is used as it stands",
        ),
    }
    return [Warned(code=code, message=message) for code, (holds, message) in told.items() if holds]


def orphaned(names: Sequence[str]) -> list[Warned]:
    """Warn of targets whose name is gone from the configuration: their work waits."""
    return [
        Warned(
            code="orphan",
            message=f"no setting names target {name} any more: its work waits; name it again",
        )
        for name in names
    ]


def _weak(settings: Settings) -> bool:
    secret = settings.outbound_secret
    return secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET


def _bad_whsec(settings: Settings) -> bool:
    secret = settings.outbound_secret.get_secret_value() if settings.outbound_secret else ""
    if not secret.startswith(PREFIX):
        return False
    try:
        base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return True
    return False
