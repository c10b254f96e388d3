"""One run of the benchmarks: where, how often, how much."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from msgspec import Struct


class Bench(Struct, frozen=True):
    """*scale* is the share of the full amount of work; a round measures ours and the limit once."""

    folder: Path
    rounds: int = 3
    scale: float = 1.0

    def much(self, full: int) -> int:
        """Scale an amount of work."""
        return max(int(full * self.scale), 100)

    def fresh(self, name: str) -> Path:
        """Return an empty folder for a gateway's data."""
        for number in itertools.count():
            folder = self.folder / f"{name}-{number}"
            if not folder.exists():
                folder.mkdir(parents=True)
                return folder
        raise AssertionError

    def sweep(self) -> None:
        """Remove all data, for the next row to find the disk as this one did."""
        shutil.rmtree(self.folder, ignore_errors=True)
