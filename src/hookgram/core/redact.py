"""What may be shown: tokens, secrets and the private parts of URLs are masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

MASK = "***"
SHORTEST = 4
"""Secrets shorter than this are not searched for: masking "a" would mask everything."""

_TOKEN = re.compile(r"\b(\d{6,20}):[A-Za-z0-9_-]{20,}")
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_URL = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,15})://(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>@]+)([/?#][^\s\"'<>]*)?"
)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask bot tokens, signing secrets, credentials and all of a URL but its scheme and host.

    Each of *secrets* is masked wherever it stands.
    """
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, MASK)
    text = _URL.sub(_shown, text)
    text = _TOKEN.sub(rf"\1:{MASK}", text)
    text = _SECRET.sub(f"whsec_{MASK}", text)
    return _BEARER.sub(rf"\1 {MASK}", text)


def _shown(url: re.Match[str]) -> str:
    rest = url[3] or ""
    return f"{url[1]}://{url[2]}" + (rest if rest in {"", "/"} else "/…")


def safe_url(url: str) -> str:
    """Show a URL as ``scheme://host:port/…``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "?", parts.port
    except ValueError:
        return "?"
    place = f"[{host}]" if ":" in host else host
    end = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{end}"
