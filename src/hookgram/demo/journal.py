"""An append-only file of JSON lines: what somebody outside the gateway saw."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Journal:
    """Writes entries to a file and holds them. Each entry has ``what`` and ``at`` (seconds)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = read_journal(path) if path.exists() else []
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def note(self, what: str, **fields: Any) -> None:
        """Write one entry down at once."""
        entry = {"what": what, "at": time.time(), **fields}
        self.entries.append(entry)
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Read a journal's entries; a last line cut short by a kill is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return entries
