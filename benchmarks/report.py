"""The findings for people, and for machines."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.finding import Finding

COLUMNS = ("row", "what", "ours", "limit", "against it", "asked", "held")


def show(console: Console, machine: dict[str, str], findings: Sequence[Finding]) -> None:
    """Print the table."""
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
    table = Table(*COLUMNS)
    for finding in findings:
        table.add_row(*cells(finding), style=None if finding.held else "bold red")
    console.print(table)
    missed = sum(not finding.held for finding in findings)
    console.print(f"{len(findings) - missed} held, {missed} not held")


def cells(finding: Finding) -> list[str]:
    """Write a finding as the cells of a line."""
    limit = "–" if finding.limit is None else f"{_number(finding.limit)} ({finding.limit_is})"
    asked = _measured(finding, finding.asked.value)
    return [
        finding.row,
        finding.what,
        f"{_number(finding.ours)} {finding.unit}",
        limit,
        "–" if finding.measure == "value" else _measured(finding, finding.measured),
        f"{finding.asked.sense} {asked}",
        "yes" if finding.held else "NO",
    ]


def as_markdown(machine: dict[str, str], findings: Sequence[Finding]) -> str:
    """Write the table for a page of the documentation."""
    lines = [", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    rows = [list(COLUMNS), ["---"] * len(COLUMNS), *(cells(finding) for finding in findings)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def as_json(machine: dict[str, str], findings: Sequence[Finding]) -> bytes:
    """Write the findings, with units and what was asked."""
    return msgspec.json.format(
        msgspec.json.encode({"machine": machine, "findings": findings}), indent=2
    )


def _measured(finding: Finding, value: float) -> str:
    match finding.measure:
        case "value":
            return f"{_number(value)} {finding.unit}"
        case "ratio":
            return f"{value:.2f} ×"
        case "difference":
            return f"{value:+.0f} {finding.unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
