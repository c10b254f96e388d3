"""The places of the documentation's pages in which measured tables stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.finding import Finding
from benchmarks.report import as_markdown

_PLACE = re.compile(
    r"(?P<begin><!-- measured: (?P<rows>[^>]+?) -->\n)(?P<table>.*?)(?P<end><!-- /measured -->)",
    re.DOTALL,
)


def write(path: Path, machine: dict[str, str], findings: Sequence[Finding]) -> None:
    """Write the table into the places of a page; a file that has none gets all of it."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    if _PLACE.search(page):
        text = filled(page, machine, findings)
    else:
        text = as_markdown(machine, findings)
    path.write_text(text, encoding="utf-8")


def filled(page: str, machine: dict[str, str], findings: Sequence[Finding]) -> str:
    """Return the page with the tables in their places; one that lacks a row stays as it was."""
    measured = {finding.row for finding in findings}

    def place(found: re.Match[str]) -> str:
        rows = found["rows"].split()
        if not measured.issuperset(rows):
            return found[0]
        its = [finding for finding in findings if finding.row in rows]
        return f"{found['begin']}\n{as_markdown(machine, its)}\n{found['end']}"

    return _PLACE.sub(place, page)


def rows_of(page: str) -> list[str]:
    """Name the rows that the places of a page show."""
    return [row for found in _PLACE.finditer(page) for row in found["rows"].split()]
