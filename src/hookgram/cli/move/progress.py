"""How far a move is: a bar on a terminal, else a line now and then; beside the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console

from hookgram.cli.screen import hint
from hookgram.core.move import WORDS

Tell: TypeAlias = Callable[[str, int], None]
"""Is told what is carried, and how many rows of all are there."""

WIDEST = max(map(len, WORDS.values()))
"""So that the bar stands still when what is carried changes."""
EVERY = 5.0
"""Seconds between two lines about the same thing."""


@contextmanager
def progress(total: int, done: int) -> Iterator[Tell]:
    """Show how far it is, beginning with *done* rows of *total*."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(total)
        return
    from rich.progress import (  # noqa: PLC0415  (slow; `--help` needs it not)
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    looks = (
        TextColumn(f"{{task.description:<{WIDEST}}}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*looks, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda what, now: bar.update(task, description=what, completed=now)


def _lines(total: int) -> Tell:
    told: dict[str, float] = {}

    def tell(what: str, done: int) -> None:
        now = time.monotonic()
        if now - told.get(what, -EVERY) >= EVERY:
            told[what] = now
            hint(f"{what}: {done:,} of {total:,} rows")

    return tell
