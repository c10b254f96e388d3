"""Names of things: event ids, the key of a repeated update, bots' numbers, hosts."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from hookgram.core.model import Micros

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = (_ALPHABET * 8).encode()
"""The letter of each byte: by its last five bits."""
ENTROPY = 16
"""Random bytes that a name takes."""

_TOKEN = re.compile(r"(\d{1,20}):\S+")


def ulid(at_ms: int, entropy: bytes) -> str:
    """Return the 26 characters of a ULID: 48 bits of milliseconds, then 80 random bits.

    Those are five of each of the ``ENTROPY`` random bytes of *entropy*, one for each character,
    which is much faster than to spread the bits of ten.
    """
    return _moment(at_ms) + entropy.translate(_LETTERS).decode()


@lru_cache(maxsize=2)
def _moment(at: int) -> str:
    """Write a moment, which under load is many updates'."""
    return "".join([_ALPHABET[at >> shift & 31] for shift in range(45, -1, -5)])


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
