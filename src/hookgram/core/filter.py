"""Which updates a target wants: a few lists, each of which must hold one that fits.

Text from users meets no backtracking: a glob is a few searches for plain pieces, and expressions
are RE2's, whose engine is an argument (``Search``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import TypeAlias

from hookgram.core.definition import Filter
from hookgram.core.kinds import KINDS
from hookgram.core.reading import Reading

EXPRESSION = "re2:"
"""What a pattern of the text begins with when the rest is an RE2 expression, no glob."""

LONGEST_TEXT = 4096
"""Characters of a text that are looked at: as many as Telegram lets a message have."""

Search: TypeAlias = Callable[[str, str], bool]
"""Tells whether an RE2 expression (the first) is found in a text (the second)."""


def no_expressions(expression: str, text: str) -> bool:
    """Refuse to search: where there is no engine, no filter may hold an expression."""
    raise LookupError(f"no engine searches for {expression!r} in {len(text)} characters")


def admits(filter_: Filter, reading: Reading, former: Collection[int], search: Search) -> bool:
    """Tell whether the update fits; *former* are ids that its chat had before it migrated."""
    if filter_.kinds is not None and reading.kind not in filter_.kinds:
        return False
    if filter_.chats is not None and filter_.chats.isdisjoint((reading.chat_id, *former)):
        return False
    if filter_.users is not None and reading.user_id not in filter_.users:
        return False
    if filter_.commands is not None and filter_.commands.isdisjoint(commands_of(reading)):
        return False
    return filter_.text is None or _says(filter_.text, reading.text, search)


def commands_of(reading: Reading) -> tuple[str, ...]:
    """Return the names of the command a message begins with: ``/start``, ``/start@shop_bot``.

    It is read from the beginning of the text or caption, where Telegram's clients put it; a
    command further on is none, and only messages hold commands.
    """
    kind = KINDS.get(reading.kind)
    if kind is None or not kind.content or not reading.text or reading.text[0] != "/":
        return ()
    word = reading.text[:LONGEST_TEXT].split(maxsplit=1)[0].lower()
    name, at, _ = word.partition("@")
    return (name, word) if at else (name,)


def _says(patterns: tuple[str, ...], text: str | None, search: Search) -> bool:
    if text is None:
        return False
    text = text[:LONGEST_TEXT]
    return any(
        search(pattern[len(EXPRESSION) :], text)
        if pattern.startswith(EXPRESSION)
        else fits(pattern, text)
        for pattern in patterns
    )


def fits(glob: str, text: str) -> bool:
    """Tell whether the whole text fits: ``*`` is anything, the rest itself in either case."""
    first, *others = _pieces(glob)
    text = text.casefold()
    if not others:
        return text == first
    if not text.startswith(first):
        return False
    place = len(first)
    *middle, last = others
    for piece in middle:
        found = text.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return len(text) - len(last) >= place and text.endswith(last)


@lru_cache(maxsize=4096)
def _pieces(glob: str) -> tuple[str, ...]:
    return tuple(glob.casefold().split("*"))
