"""What may be shown: tokens, secrets and the private parts of URLs are masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, urlsplit

MASK = "***"
SHORTEST = 4
"""Secrets shorter than this are not searched for: masking "a" would mask everything."""

_SIGNS = (
    (b"/", b"://"),
    (b"w", b"whsec_"),
    (b"%", b"%3A"),
    (b"%", b"%3a"),
)
"""What may have to be masked, and a byte of it that is rare: one byte is found much faster."""

_WORD = re.compile(rb"b(?:earer|asic)")
_TOKEN_END = re.compile(rb":[A-Za-z0-9_-]{20}")
_TOKEN = re.compile(r"(?<!\d)(\d{6,20})(?::|%3[Aa])[A-Za-z0-9_-]{20,}")
_SIGNING = re.compile(r"whsec_[A-Za-z0-9+/=_-]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_AUTHORIZATION = re.compile(
    r"(?i)\b(authorization[\"']?\s*[:=,]\s*(?:b(?=[\"']))?[\"']?)(?:[a-z]+\s+)?[^\s\"',;]+"
)
_URL = re.compile(
    r"(?i)\b([a-z][a-z0-9+.-]{1,15})://(?:[^\s/?#\"'<>]*@)?([^\s/?#\"'<>@]+)([/?#][^\s\"'<>]*)?"
)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask bot tokens, signing secrets, credentials and all of a URL but its scheme and host.

    Each of *secrets* is masked wherever it stands, also as JSON, Python or a URL would spell it.
    Mask before rendering to JSON: a mask does not know where a JSON string ends.
    """
    secrets = tuple(secrets)
    if not suspect(_raw(text), secrets):
        return text
    for secret in _spellings(secrets):
        text = text.replace(secret, MASK)
    text = _URL.sub(_shown, text)
    text = _TOKEN.sub(rf"\1:{MASK}", text)
    text = _SIGNING.sub(f"whsec_{MASK}", text)
    text = _AUTHORIZATION.sub(rf"\1{MASK}", text)
    return _BEARER.sub(rf"\1 {MASK}", text)


def suspect(raw: bytes, secrets: tuple[str, ...] = ()) -> bool:
    """Tell, much faster than masking, whether there may be something to mask.

    *raw* is text in UTF-8, which is searched faster; it may be JSON, and as many lines as you like:
    one long text costs less than many short.
    """
    if any(rare in raw and sign in raw for rare, sign in _SIGNS) or _TOKEN_END.search(raw):
        return True
    if any(secret in raw for secret in _raw_spellings(secrets)):
        return True
    lower = raw.lower()
    return b"authorization" in lower or _WORD.search(lower) is not None


@lru_cache(maxsize=16)
def _spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Spell each secret in every way, the longest first: one may be the beginning of another."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            found |= {secret, repr(secret)[1:-1], quote(secret, safe="", errors="replace")}
            found |= {json.dumps(secret, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)}
    return tuple(sorted(found, key=len, reverse=True))


@lru_cache(maxsize=16)
def _raw_spellings(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(map(_raw, _spellings(secrets)))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


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
    end = "/…" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{end}"
