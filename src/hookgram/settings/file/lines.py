"""Finds the line of every key in a TOML text, because the parser forgets where it read them.

It walks a text that the parser took already, so it need not refuse anything: it only has to know
where strings, arrays and tables end. Dates and numbers are whatever is left.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""The way to a value: names of keys, numbers of elements from 0."""

_SPACE = " \t\r\n"
_ENDS = ",]}\n#"
_QUOTES = ('"""', "'''", '"', "'")


def lines_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, of every key, table and element of a valid TOML text."""
    walk = _Walk(text)
    walk.document()
    return walk.lines


def nearest(lines: Mapping[Place, int], place: Place) -> int:
    """Return the line of the place, else of what it would be in; 1 for the whole."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


class _Walk:
    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._tables: dict[Place, int] = {}
        """How many elements each array of tables has so far."""

    def document(self) -> None:
        table: Place = ()
        while self._skip():
            if self._text.startswith("[[", self._at):
                table = self._array_of_tables()
            elif self._text[self._at] == "[":
                table = self._table()
            else:
                self._pair(table)

    def _skip(self) -> bool:
        """Go past space and comments; tell whether something is left."""
        text = self._text
        while self._at < len(text):
            if text[self._at] == "#":
                end = text.find("\n", self._at)
                self._at = len(text) if end < 0 else end
            elif text[self._at] in _SPACE:
                self._at += 1
            else:
                return True
        return False

    def _note(self, place: Place) -> None:
        self.lines.setdefault(place, self._text.count("\n", 0, self._at) + 1)

    def _array_of_tables(self) -> Place:
        line_start, self._at = self._at, self._at + 2
        array = self._resolved(self._keys("]"))
        number = self._tables.get(array, 0)
        self._tables[array] = number + 1
        end, self._at = self._at + 2, line_start
        self._note(array)
        self._note((*array, number))
        self._at = end
        return (*array, number)

    def _table(self) -> Place:
        line_start, self._at = self._at, self._at + 1
        names = self._keys("]")
        table = self._resolved(names)
        if table in self._tables:
            table = (*table, self._tables[table] - 1)
        end, self._at = self._at + 1, line_start
        self._note(table)
        self._at = end
        return table

    def _resolved(self, names: list[str]) -> Place:
        """Return the place that a header names: within the last element of arrays of tables."""
        place: Place = ()
        for name in names:
            if place in self._tables:
                place = (*place, self._tables[place] - 1)
            place = (*place, name)
        return place

    def _keys(self, end: str) -> list[str]:
        """Read a dotted key up to the sign that ends it."""
        names = []
        while True:
            self._skip()
            names.append(self._key())
            self._skip()
            if self._text[self._at] == end:
                return names
            self._at += 1

    def _key(self) -> str:
        start = self._at
        if self._text[start] in "\"'":
            self._string()
            parsed: str = tomllib.loads(f"v = {self._text[start : self._at]}")["v"]
            return parsed
        while self._text[self._at].isalnum() or self._text[self._at] in "_-":
            self._at += 1
        return self._text[start : self._at]

    def _pair(self, table: Place) -> None:
        start = self._at
        names = self._keys("=")
        equals, self._at = self._at, start
        for depth in range(1, len(names) + 1):
            self._note((*table, *names[:depth]))
        self._at = equals + 1
        self._value((*table, *names))

    def _value(self, place: Place) -> None:
        self._skip()
        self._note(place)
        sign = self._text[self._at]
        if sign in "\"'":
            self._string()
        elif sign == "[":
            self._array(place)
        elif sign == "{":
            self._inline_table(place)
        else:
            while self._at < len(self._text) and self._text[self._at] not in _ENDS:
                self._at += 1

    def _array(self, place: Place) -> None:
        self._at += 1
        number = 0
        while self._skip() and self._text[self._at] != "]":
            self._value((*place, number))
            number += 1
            self._past_comma()
        self._at += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        while self._skip() and self._text[self._at] != "}":
            self._pair(place)
            self._past_comma()
        self._at += 1

    def _past_comma(self) -> None:
        if self._skip() and self._text[self._at] == ",":
            self._at += 1

    def _string(self) -> None:
        quote = next(one for one in _QUOTES if self._text.startswith(one, self._at))
        self._at += len(quote)
        while not self._text.startswith(quote, self._at):
            escaped = self._text[self._at] == "\\" and quote[0] == '"'
            self._at += 2 if escaped else 1
        self._at += len(quote)
        while len(quote) == 3 and self._text.startswith(quote[0], self._at):
            self._at += 1  # up to two quotes may stand before the three that end it
