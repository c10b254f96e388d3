"""Names of things: event ids, the key of a repeated update, bots' numbers, hosts."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from hookgram.core.model import Micros

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TOKEN = re.compile(r"(\d{1,20}):\S+")


def ulid(at_ms: int, entropy: bytes) -> str:
    """Return the 26 characters of a ULID: 48 bits of milliseconds, then 80 bits of *entropy*."""
    # In halves of 40 bits: twice as fast as to shift the whole.
    first, second = int.from_bytes(entropy[:5], "big"), int.from_bytes(entropy[5:10], "big")
    pairs = _PAIRS
    return (
        f"{_second(at_ms >> 10)}{pairs[at_ms & 1023]}"
        f"{pairs[first >> 30]}{pairs[first >> 20 & 1023]}"
        f"{pairs[first >> 10 & 1023]}{pairs[first & 1023]}"
        f"{pairs[second >> 30]}{pairs[second >> 20 & 1023]}"
        f"{pairs[second >> 10 & 1023]}{pairs[second & 1023]}"
    )


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    """Write the first characters of a moment: they are the same for 1024 milliseconds."""
    return "".join([_PAIRS[at >> shift & 1023] for shift in (30, 20, 10, 0)])


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
