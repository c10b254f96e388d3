"""What the ledger says, in a line and with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

EXAMPLES = 3


class Verdict(Struct, frozen=True, kw_only=True):
    """What the ledger found. ``problems`` names each kind of finding with its examples."""

    acknowledged: int
    delivered: int
    dead: int
    duplicates: int
    unsettled: int = 0
    """Deliveries still owed where that is allowed: kept in the store, not lost."""
    problems: Mapping[str, Sequence[str]]

    @property
    def ok(self) -> bool:
        """Whether the ledger closes."""
        return not any(self.problems.values())

    @property
    def summary(self) -> str:
        """Say it in a line."""
        owed = f", {self.unsettled} still owed" if self.unsettled else ""
        return (
            ("the ledger closes: " if self.ok else "THE LEDGER DOES NOT CLOSE: ")
            + f"{self.acknowledged} acknowledged, {self.delivered} delivered, {self.dead} dead"
            + f"{owed}, {self.duplicates} duplicates, {len(self.problems.get('lost', ()))} lost"
        )

    @property
    def findings(self) -> list[str]:
        """Say each kind of problem in a line, with examples."""
        return [
            f"  {kind} ({len(found)}): {'; '.join(found[:EXAMPLES])}"
            for kind, found in self.problems.items()
            if found
        ]

    def __str__(self) -> str:
        """Say it in a line, and a line for each kind of problem."""
        return "\n".join([self.summary, *self.findings])
