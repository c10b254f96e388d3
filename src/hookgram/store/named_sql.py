"""Reads files of named statements, so that SQL stands in ``.sql`` files and nowhere else.

A statement begins after a line ``-- name: x`` and ends at the next such line or the file's end.
Other comment lines say why and are left out of what the database sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

MARK = "-- name:"


def read_statements(file: Traversable) -> dict[str, str]:
    """Return the statements of *file* by name. Raises ValueError on a name used twice."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(MARK):
            name = line.removeprefix(MARK).strip()
            if name in found:
                raise ValueError(f"two statements are named {name!r} in {file.name}")
            lines = found[name] = []
        elif line.strip() and not line.lstrip().startswith("--"):
            lines.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}
