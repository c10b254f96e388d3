"""Shows findings: in colour and wrapped on a terminal, one plain line each into a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hookgram.core.doctor.finding import Finding
from hookgram.core.doctor.kind import Level

SIGNS = {Level.OK: "✓", Level.NOTE: "·", Level.WARNING: "!", Level.PROBLEM: "✗"}
STYLES = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
AREA_WIDTH = 9


class Screen:
    """Prints to standard output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, emoji=False, markup=False)

    def show(self, finding: Finding) -> None:
        """Show one finding."""
        if self._console.is_terminal:
            self._console.print(_row(finding))
        else:
            self._line(plain(finding))

    def sum_up(self, findings: Sequence[Finding], *, network: bool) -> None:
        """Show how many there were of each level."""
        counts = Counter(finding.level for finding in findings)
        told = [
            _counted(counts[level], level) for level in reversed(Level) if level is not Level.OK
        ]
        unseen = "" if network else " Telegram and the targets were not asked."
        self._line(f"{', '.join(told)}.{unseen}")

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


def plain(finding: Finding) -> str:
    """Write a finding in one line."""
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    return f"{SIGNS[finding.level]} {finding.code}: {_sentence(finding)}{remedy}"


def _sentence(finding: Finding) -> str:
    named = finding.subject and finding.subject not in finding.sentence
    return f"{finding.subject}: {finding.sentence}" if named else finding.sentence


def _row(finding: Finding) -> Table:
    style = STYLES[finding.level]
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1)
    row.add_column(width=AREA_WIDTH)
    row.add_column(overflow="fold")
    row.add_row(
        Text(SIGNS[finding.level], style), Text(finding.area, "dim"), Text(_sentence(finding))
    )
    if finding.remedy:
        row.add_row("", "", Text(f"→ {finding.remedy}", style))
    return row


def _counted(number: int, level: Level) -> str:
    return f"{number} {level.value}{'' if number == 1 else 's'}"
