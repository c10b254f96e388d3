"""Reads a configuration file: every mistake in it, at once, each with its line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hookgram.settings.file.entries import ENTRIES, BotEntry, Entry, FilterEntry, TargetEntry
from hookgram.settings.file.lines import Place, lines_of, nearest

E = TypeVar("E", bound=Entry)

LARGEST = 256 * 1024
_VARIABLE = re.compile(r"\$(\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_TYPES = {
    "string_type": 'is no text; write it in quotes, like "…"',
    "int_type": "is no whole number; write it without quotes, like 40",
    "list_type": 'is no list; write it in brackets, like ["…"]',
    "dict_type": "is no table; write it in braces, like { … }",
    "model_type": "is no table; write its keys below a header of its own",
}


class Found(Struct, frozen=True, kw_only=True):
    """What a file says, as far as it is right, and what is wrong with it.

    Entries go by their numbers in the file, from 0: one that is wrong is missing here. ``names``
    are all names that are written down, also those of wrong entries.
    """

    path: Path
    lines: Mapping[Place, int]
    bots: Mapping[int, BotEntry]
    targets: Mapping[int, TargetEntry]
    names: Mapping[str, Mapping[int, str]]
    problems: tuple[str, ...] = ()

    def tell(self, place: Place, why: str) -> str:
        """Say what is wrong at a place."""
        return told(self.path, nearest(self.lines, place), place, why)


def told(path: Path, line: int, place: Place, why: str) -> str:
    """Say what is wrong, where an editor finds it."""
    return f"{path}:{line}: {_words(place)}{why}"


def read(path: Path, variables: Mapping[str, str]) -> Found:
    """Read the file; ``${NAME}`` in a text stands for a value of *variables*."""
    names: dict[str, dict[int, str]] = {key: {} for key in ENTRIES}
    nothing = Found(path=path, lines={}, bots={}, targets={}, names=names)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            return _only(nothing, f"{path}: is larger than {LARGEST // 1024} KiB; is it the file?")
        text = data.decode()
        tree = tomllib.loads(text)
    except OSError as error:
        return _only(nothing, f"{path}: cannot be read ({error.strerror}); check CONFIG_FILE")
    except UnicodeDecodeError:
        return _only(nothing, f"{path}: is no UTF-8 text; save it as such")
    except tomllib.TOMLDecodeError as error:
        return _only(nothing, f"{path}: is no TOML: {error}; see toml.io")
    except RecursionError:
        return _only(nothing, f"{path}: is nested too deeply; see hookgram.example.toml")
    return _Reading(path, lines_of(text.replace("\r\n", "\n")), variables).of(tree)


def _only(found: Found, problem: str) -> Found:
    return replace(found, problems=(problem,))


class _Reading:
    def __init__(
        self, path: Path, lines: Mapping[Place, int], variables: Mapping[str, str]
    ) -> None:
        self._path = path
        self._lines = lines
        self._variables = variables
        self._problems: list[tuple[int, str]] = []
        self._failed: set[Place] = set()

    def of(self, tree: dict[str, Any]) -> Found:
        for key in tree.keys() - ENTRIES.keys():
            self._tell((key,), _unknown(key, ENTRIES))
        tree = {key: self._filled((key,), tree.get(key, [])) for key in ENTRIES}
        bots = self._entries("bots", tree["bots"], BotEntry)
        targets = self._entries("targets", tree["targets"], TargetEntry)
        return Found(
            path=self._path,
            lines=self._lines,
            bots=bots,
            targets=targets,
            names={key: dict(_names(tree[key])) for key in ENTRIES},
            problems=tuple(problem for _, problem in sorted(self._problems)),
        )

    def _tell(self, place: Place, why: str) -> None:
        line = nearest(self._lines, place)
        self._problems.append((line, told(self._path, line, place, why)))

    def _filled(self, place: Place, value: Any) -> Any:
        """Put the variables' values in."""
        if isinstance(value, dict):
            return {key: self._filled((*place, key), inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled((*place, n), inner) for n, inner in enumerate(value)]
        return self._text(place, value) if isinstance(value, str) else value

    def _text(self, place: Place, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[2]
            if name is None:
                return "$"
            if not self._variables.get(name):
                self._failed.add(place)
                self._tell(place, f"{name} is not set in the environment; set it, or write $${{…}}")
                return ""
            return self._variables[name]

        return _VARIABLE.sub(value, text)

    def _entries(self, key: str, found: Any, kind: type[E]) -> dict[int, E]:
        """Check each entry by itself, so that a wrong one hides nothing of another."""
        if not isinstance(found, list):
            self._tell((key,), f"is no list; write a [[{key}]] for each")
            return {}
        right = {}
        for number, entry in enumerate(found):
            try:
                right[number] = kind.model_validate(entry)
            except ValidationError as error:
                for one in error.errors(include_url=False, include_input=False):
                    self._tell_error((key, number), kind, one)
        failed = {place[1] for place in self._failed if place[0] == key}
        return {number: entry for number, entry in right.items() if number not in failed}

    def _tell_error(self, entry: Place, kind: type[Entry], error: ErrorDetails) -> None:
        """Tell an error, unless it comes of a variable that was told of."""
        place = (*entry, *(step for step in error["loc"] if step != "[key]"))
        if place not in self._failed:
            self._tell(place, _why(error, FilterEntry if "filter" in place[:-1] else kind))


def _why(error: ErrorDetails, kind: type[Entry]) -> str:
    """Say in our words what is wrong, and what to do; never the value."""
    key, context = str(error["loc"][-1]) if error["loc"] else "", error.get("ctx", {})
    why = _TYPES.get(error["type"])
    match error["type"]:
        case "missing":
            why = f"is missing; {kind.model_fields[key].description}"
        case "extra_forbidden":
            why = _unknown(key, kind.model_fields)
        case "literal_error":
            why = f"is not possible; use {context['expected']}"
        case "too_short":
            why = "is empty: nothing would ever fit it; leave it out for all"
        case "too_long":
            why = f"is too long; {context['max_length']} are possible"
        case "file":
            why = str(context["why"])
    return why or f"is not possible; it {error['msg'].removeprefix('Input ')}"


def _unknown(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    use = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    return f"is no key here; {use}"


def _words(place: Place) -> str:
    """Write a place as a person would: ``targets 2, filter.kinds 1: ``."""
    words = ""
    for step in place:
        if isinstance(step, int):
            words += f" {step + 1},"
        else:
            words += f" {step}" if not words or words.endswith(",") else f".{step}"
    return f"{words.strip().removesuffix(',')}: " if words else ""


def _names(entries: Any) -> Iterable[tuple[int, str]]:
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield number, name
