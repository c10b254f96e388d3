"""What of a text may reach a terminal: nothing that moves its cursor or hides what stands there.

Messages, names and answers are written by strangers. A terminal obeys control characters in them,
and text that changes direction can be made to read as something else.
"""

from __future__ import annotations

_CONTROLS = (*range(32), *range(127, 160))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_ENDS = (0x2028, 0x2029)
_SURROGATES = range(0xD800, 0xE000)
"""Not to be encoded at all; a lone one would end the command that prints it."""


def _spelled(number: int) -> str:
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


_UNSEEN = {n: _spelled(n) for n in (*_CONTROLS, *_DIRECTIONS, *_LINE_ENDS, *_SURROGATES)}
_ONE_LINE = _UNSEEN | {ord("\t"): " "}
_LINES = {number: text for number, text in _ONE_LINE.items() if number != ord("\n")}
_IN_JSON = {n: f"\\u{n:04x}" for n in _UNSEEN if n >= 127}


def one_line(text: str) -> str:
    """Spell out what cannot be seen, line ends too."""
    return text.translate(_ONE_LINE)


def lines(text: str, indent: str = "") -> str:
    """Spell out what cannot be seen, except line ends: each line after them begins *indent*."""
    return text.translate(_LINES).replace("\n", f"\n{indent}")


def in_json(text: str) -> str:
    """Escape what cannot be seen in a JSON text; it stays the same value."""
    return text.translate(_IN_JSON)
