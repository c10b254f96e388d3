"""Two ways to show the demo: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from msgspec import Struct
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hookgram.cli.demo.board import Row
from hookgram.demo.cast import CAST

LINE_EACH = 2.0
"""Seconds between two lines of numbers."""

GAP = 2
HEADROOM = 24
"""Lines; a lower terminal gets no advice below the table until the end."""


class View(Struct, frozen=True, kw_only=True):
    """What there is to see at a moment; ``accepting``: updates a second."""

    at: float
    title: str
    where: str
    accepted: int
    accepting: float
    first_delivery: float | None
    rows: Sequence[Row]
    narration: str
    dead_letter: int | None
    advice: Sequence[str]
    """What to try next, for instance with the dead letter."""


class Screen(Protocol):
    """Shows the demo; a context manager."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave the last picture and the terminal as it was."""
        ...

    def show(self, view: View) -> None:
        """Show this moment."""
        ...


class Column(Struct, frozen=True):
    """A column: its heading, how wide it is, and what stands in it."""

    name: str
    width: int
    cell: Callable[[Row], str]


MANNERS = {part.name: part.manner for part in CAST}
COLUMNS = (
    Column("target", 7, lambda row: row.target),
    Column("what it does", 21, lambda row: MANNERS[row.target]),
    Column("received", 8, lambda row: str(row.received)),
    Column("delivered", 9, lambda row: str(row.delivered)),
    Column("unsettled", 9, lambda row: str(row.unsettled)),
    Column("retrying", 8, lambda row: str(row.retrying)),
    Column("dead", 4, lambda row: str(row.dead)),
    Column("rate", 5, lambda row: f"{row.rate:.0f}/s"),
    Column("latency", 7, lambda row: latency(row.latency)),
)
BY_IMPORTANCE = (
    *("target", "delivered", "dead", "retrying", "received"),
    *("rate", "latency", "unsettled", "what it does"),
)
COLOURS = {"delivered": "green", "retrying": "yellow", "dead": "red", "target": "bold"}


def latency(seconds: float | None) -> str:
    """Say a latency in at most seven characters."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def fitting(width: int) -> list[Column]:
    """Return the columns that fit, the most important ones first to be kept."""
    by_name = {column.name: column for column in COLUMNS}
    chosen: set[str] = set()
    used = -GAP
    for name in BY_IMPORTANCE:
        used += by_name[name].width + GAP
        if used > width and chosen:
            break
        chosen.add(name)
    return [column for column in COLUMNS if column.name in chosen]


def table(rows: Sequence[Row], width: int) -> Table:
    """Lay the numbers out; no line of it is wider than *width*."""
    drawn = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold underline")
    for column in fitting(width):
        left = column.name in {"target", "what it does"}
        drawn.add_column(
            column.name,
            justify="left" if left else "right",
            min_width=column.width,
            no_wrap=True,
            overflow="crop",
            style=COLOURS.get(column.name, ""),
        )
    for row in rows:
        drawn.add_row(*(Text(column.cell(row)) for column in fitting(width)))
    return drawn


def head(view: View) -> str:
    """Say what Telegram has seen so far."""
    first = view.first_delivery
    told = "" if first is None else f"; first delivery after {first:.1f} s"
    return f"Telegram: {view.accepted} updates taken, {view.accepting:.0f}/s{told}"


class LiveScreen:
    """A table that is drawn anew; what is above it on the terminal stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False)
        self._numbers = Group()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        # What was said of a moment that is over, and what was to be tried in it, goes.
        self._live.update(self._numbers, refresh=True)
        self._live.stop()

    def show(self, view: View) -> None:
        """Draw this moment."""
        self._numbers = Group(
            Text(view.title, style="bold"),
            Text(view.where, style="dim", overflow="fold"),
            Text(head(view)),
            Text(),
            table(view.rows, self._console.width),
        )
        below = [Text(), Text(view.narration, style="cyan")]
        if self._console.height >= HEADROOM:
            below += [Text(), *(Text(line, overflow="fold") for line in view.advice)]
        self._live.update(Group(self._numbers, *below), refresh=True)


class LineScreen:
    """A line of numbers now and then, and a line when something new happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = ""
        self._next = 0.0
        self._first = True
        self._advised = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, view: View) -> None:
        """Print what is new."""
        if self._first:
            self._first = False
            self._say(view.title, view.where)
        story = view.narration.translate(DIGITS)
        if story != self._told:
            self._told = story
            self._say(f"{view.at:5.1f} s  {view.narration}")
        if view.at >= self._next and view.first_delivery is not None:
            self._next = view.at + LINE_EACH
            numbers = "; ".join(_line(row) for row in view.rows)
            self._say(f"{view.at:5.1f} s  {head(view)}", f"         {numbers}")

        if view.dead_letter is not None and not self._advised:
            self._advised = True
            self._say(*view.advice)

    def _say(self, *lines: str) -> None:
        say(self._console, *lines)
        self._console.file.flush()


DIGITS = str.maketrans("", "", "0123456789")
"""The same story with other numbers is no news."""


def _line(row: Row) -> str:
    return f"{row.target}: {row.delivered} delivered, {row.retrying} retrying, {row.dead} dead"


def say(console: Console, *lines: str) -> None:
    """Print lines; those of two spaces are commands, which stay whole however narrow it is."""
    for line in lines:
        if console.is_terminal and not line.startswith("  "):
            console.print(Text(line))
        else:
            console.out(line, highlight=False)


def screen() -> tuple[Screen, Console]:
    """Return what fits where standard output goes, and its console for the last words."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    live = console.is_terminal and not console.is_dumb_terminal
    return (LiveScreen(console) if live else LineScreen(console)), console
