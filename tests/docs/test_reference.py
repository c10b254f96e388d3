"""The reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

from hookgram.core.verdict import TABLE

ROOT = Path(__file__).parents[2]


def test_the_page_of_answers_holds_the_table_that_judges():
    page = (ROOT / "docs/reference/answers.md").read_text()
    rows = [f"| {row.what} | {row.meaning} | {row.happens} |" for row in TABLE]
    printed = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert [line for line in printed if not line.startswith("| ---")] == rows
