"""An append-only file of JSON lines: what somebody outside the gateway saw."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


class Journal:
    """Writes entries to a file and holds them. Each entry has ``what`` and ``at`` (seconds).

    *held* ``False``: they are in the file only, for a run that has no end.
    """

    def __init__(self, path: Path, *, held: bool = True) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = []
        self._held = held
        if path.exists():
            _end_last_line(path)
            if held:
                self.entries = read_journal(path)
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def note(self, what: str, **fields: Any) -> None:
        """Write one entry down at once."""
        entry = {"what": what, "at": time.time(), **fields}
        if self._held:
            self.entries.append(entry)
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _end_last_line(path: Path) -> None:
    """End a line cut short by a kill, so that the next entry stands on its own."""
    with path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read() != b"\n":
            file.write(b"\n")


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Read a journal's entries; a last line cut short by a kill is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return entries
