"""How commands speak to people: tables, questions and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import typer
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hookgram.core.visible import lines, one_line

NOTHING = "-"
"""What stands where there is nothing."""
STYLES = {"ok": "green", "paused": "yellow", "orphaned": "red", "differ": "bold red"}


class Column(Struct, frozen=True):
    """A column's heading; *fixed* ones are not shortened, *wide* ones need a wide screen."""

    name: str
    fixed: bool = False
    wide: bool = False


Bar: TypeAlias = Callable[[int], None]
"""Is told how far something is."""

WIDE = 120
"""Columns of a terminal from which on everything is shown."""


def say(*texts: str) -> None:
    """Print lines for people, without what a terminal would obey."""
    for text in texts:
        typer.echo(lines(text))


def hint(*texts: str) -> None:
    """Print lines beside the answer, so that the answer can be piped."""
    for text in texts:
        typer.echo(lines(text), err=True)


def table(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under headings; no wider than the terminal, or whole when piped."""
    console = Console(highlight=False)
    cells = [[_cell(value) for value in row] for row in rows]
    if not console.is_terminal:
        _print_plain([[column.name for column in columns], *cells])
        return
    kept = [n for n, column in enumerate(columns) if not column.wide or console.width >= WIDE]
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for n in kept:
        fixed = columns[n].fixed
        grid.add_column(columns[n].name, no_wrap=fixed, overflow="ellipsis")
    for row in cells:
        grid.add_row(*(_shortened(row[n]) for n in kept))
    console.print(grid)


def _cell(value: Any) -> str:
    return NOTHING if value is None or value == "" else one_line(str(value))


def _shortened(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis", style=STYLES.get(text, ""))


def _print_plain(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())


@contextmanager
def bar(title: str, total: int) -> Iterator[Bar]:
    """Show how far something is, on a terminal only; beside the answer."""
    from rich.progress import Progress  # noqa: PLC0415  (slow; `--help` needs it not)

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total or None)
        yield lambda done: progress.update(task, completed=done)


def agreed(question: str, *, yes: bool) -> bool:
    """Ask, unless *yes* was said beforehand. Raises a usage error where nobody can answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Nobody is here to answer: add --yes, or --dry-run")
    return typer.confirm(lines(question), err=True)


def many(count: int, what: str, plural: str | None = None) -> str:
    """Say how many of something."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"
