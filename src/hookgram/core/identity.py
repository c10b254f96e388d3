"""Names of things: event ids, the key of a repeated update, bots' numbers, hosts."""

from __future__ import annotations

import hashlib
import re

from hookgram.core.model import Micros

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TOKEN = re.compile(r"(\d{1,20}):\S+")


def ulid(at_ms: int, entropy: bytes) -> str:
    """Return the 26 characters of a ULID: 48 bits of milliseconds, then 80 bits of *entropy*."""
    number = (at_ms << 80) | int.from_bytes(entropy[:10], "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def event_id(at: Micros, entropy: bytes) -> str:
    """Return ``evt_`` and a ULID of this moment."""
    return "evt_" + ulid(at // 1000, entropy)


def digest(kind: str, payload: bytes) -> bytes:
    """Return 16 bytes that tell one update's content from another's."""
    return hashlib.sha256(kind.encode("utf-8", "surrogatepass") + b"\0" + payload).digest()[:16]


def digest_unparsed(body: bytes) -> bytes:
    """Return 16 bytes that tell one unreadable body from another."""
    return hashlib.sha256(body).digest()[:16]


def bot_id(token: str) -> int | None:
    """Return the number before the colon of a bot token; None if it is none."""
    match = _TOKEN.fullmatch(token)
    return int(match[1]) if match else None


def host_name(url: str) -> str:
    """Return the name of a target known by its URL only."""
    return "host-" + hashlib.sha256(url.encode()).hexdigest()[:8]
