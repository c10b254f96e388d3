"""The reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

from hookgram.core.verdict import TABLE

ROOT = Path(__file__).parents[2]


def test_the_page_of_answers_holds_the_table_that_judges():
    page = (ROOT / "docs/reference/answers.md").read_text()
    first_table = page.partition("\n## ")[0]
    printed = [line for line in first_table.splitlines() if line.startswith("| ")]
    rows = [f"| {row.what} | {row.meaning} | {row.happens} |" for row in TABLE]
    assert printed[2:] == rows
