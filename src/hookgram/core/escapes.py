"""Repairs what JSON lets pass and Unicode does not: escapes of half a surrogate pair."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_REPLACEMENT = rb"\ufffd"


def repaired(body: bytes) -> bytes:
    """Replace escapes of half a surrogate pair by that of U+FFFD, which is as long."""
    out, place, high = bytearray(body), 0, -1
    for escape in _ESCAPE.finditer(body):
        code = int(escape[1], 16) if escape[1] else 0
        if 0xDC00 <= code < 0xE000 and high >= 0 and escape.start() == place:
            high = -1
            continue
        if high >= 0:
            out[high : high + 6] = _REPLACEMENT
            high = -1
        if 0xD800 <= code < 0xDC00:
            high, place = escape.start(), escape.end()
        elif 0xDC00 <= code < 0xE000:
            out[escape.start() : escape.end()] = _REPLACEMENT
    if high >= 0:
        out[high : high + 6] = _REPLACEMENT
    return bytes(out)
