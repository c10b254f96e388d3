"""Every command with its arguments and options, from the application itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import typer

from hookgram.cli import main
from hookgram.cli.reference.tables import markdown

_EXAMPLE = re.compile(r"For example: (hookgram [^\n]+)")


def commands() -> str:
    """Print the commands, groups after one another, each with what its ``--help`` says."""
    root = typer.main.get_command(main.cli)
    return "\n\n".join(section(words, command) for words, command in walk("hookgram", root))


def exits() -> str:
    """Print what the exit codes mean."""
    return markdown(("code", "means"), [(f"`{code}`", what) for code, what in main.EXITS.items()])


def walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield a command and all below it that are not hidden, each with the words that call it."""
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from walk(f"{words} {name}", inner)


def section(words: str, command: Any) -> str:
    """Print one command."""
    parts = [f"## {words}", *_paragraphs(command.help)]
    if inner := getattr(command, "commands", None):
        links = [
            (_link(f"{words} {n}"), _first_line(c.help)) for n, c in inner.items() if not c.hidden
        ]
        parts.append(markdown(("command", "what it does"), links))
    told = [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]
    if told:
        parts.append(markdown(("argument or option", "meaning"), told))
    return "\n\n".join([*parts, *_paragraphs(command.epilog)])


def _link(words: str) -> str:
    return f"[`{words}`](#{words.replace(' ', '-')})"


def _paragraphs(text: str | None) -> Iterator[str]:
    """Yield paragraphs; commands that follow one another are one block."""
    apart = _EXAMPLE.sub(r"For example:\n\n\1", (text or "").strip())
    found = [_lines(paragraph) for paragraph in apart.split("\n\n")]
    for examples, group in itertools.groupby(filter(None, found), key=_are_commands):
        if examples:
            yield "\n".join(["```console", *itertools.chain(*group), "```"])
        else:
            yield from (" ".join(one) for one in group)


def _lines(paragraph: str) -> list[str]:
    stripped = (line.strip().removeprefix("$ ") for line in paragraph.splitlines())
    return [line for line in stripped if line and line != "\b"]


def _are_commands(found: list[str]) -> bool:
    return all(line.startswith("hookgram ") for line in found)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n\n")[0].replace("\n", " ")


def _parameter(one: Any) -> tuple[str, str]:
    if one.param_type_name == "argument":
        name = (one.metavar or one.name).upper()
    else:
        value = "" if one.is_flag or one.count else f" {one.metavar or one.name.upper()}"
        name = ", ".join([*one.opts, *one.secondary_opts]) + value
    return f"`{name}`", " ".join(part for part in (one.help, _default(one)) if part)


def _default(one: Any) -> str:
    if one.required:
        return "Must be given."
    if one.default is True and one.secondary_opts:
        return f"Default: `{one.opts[0]}`."
    plain = one.default is None or one.default is False or one.default in ((), [])
    return "" if plain or callable(one.default) else f"Default: `{one.default}`."
