"""Numbered steps of a schema: read from files, run once, in order, forward only.

A file is named ``0001_what_it_does.sql``. Each store runs a step in one transaction together with
the note of its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hookgram.errors import SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable


class Migration(Struct, frozen=True):
    """One step: its number (1, 2, …), its file's name and its statements."""

    number: int
    name: str
    sql: str


def read_migrations(folder: Traversable) -> tuple[Migration, ...]:
    """Return the steps of *folder* in order. Raises ValueError if a number is missing or double."""
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    steps = tuple(
        Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8")) for file in files
    )
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"migrations are not numbered 1, 2, …: {[s.name for s in steps]}")
    return steps


def outstanding(steps: Sequence[Migration], version: int) -> Sequence[Migration]:
    """Return the steps a store at *version* still needs; raises SchemaMismatch if it is newer."""
    if version > len(steps):
        raise SchemaMismatch(
            f"the store's schema has version {version}, this hookgram knows {len(steps)}: "
            "run the newer hookgram that wrote it"
        )
    return steps[version:]
