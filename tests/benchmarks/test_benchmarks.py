"""The benchmarks run, and can say no. How fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import pages, report
from benchmarks.bodies import FIRST, body, number_in
from benchmarks.finding import at_least, at_most, found
from benchmarks.rows import ROWS
from hookgram.core.formats.event import event_body
from hookgram.core.model import Event
from hookgram.core.reading import read

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_row_is_measured_from_the_command_line_and_written_as_json(tmp_path):
    written = tmp_path / "found.json"
    done = run("end-to-end", "--quick", "--folder", str(tmp_path), "--json", str(written))
    assert done.returncode in {0, 1}, done.stderr
    answer = json.loads(written.read_text())
    absolute, ratio = answer["findings"]
    assert absolute["ours"] > 0
    assert ratio["measured"] == pytest.approx(ratio["ours"] / ratio["limit"])
    held = all(finding["held"] for finding in answer["findings"])
    assert done.returncode == (0 if held else 1)
    assert "taken and delivered" in done.stdout
    assert list(tmp_path.iterdir()) == [written]


def test_a_row_that_is_not_there_is_a_usage_error_that_names_the_others():
    done = run("no-such-row")
    assert done.returncode == 2
    assert all(row in done.stderr for row in ROWS)


@pytest.mark.parametrize(
    ("asked", "rounds", "measure", "measured", "held"),
    [
        (at_least(0.5), ([40, 60, 50], [100, 100, 100]), "ratio", 0.5, True),
        (at_least(0.5), ([40, 60, 49], [100, 100, 100]), "ratio", 0.49, False),
        (at_most(20), ([19, 21, 22],), "value", 21, False),
        (at_most(20), ([19, 20, 90],), "value", 20, True),
        (at_most(50), ([150, 151, 160], [100, 100, 100]), "difference", 51, False),
        (at_most(50), ([150, 150, 160], [100, 100, 100]), "difference", 50, True),
    ],
)
def test_what_was_asked_is_held_or_not_by_the_median_of_the_rounds(
    asked, rounds, measure, measured, held
):
    finding = found("row", "what", "unit", asked, *rounds, measure=measure, limit_is="a limit")
    assert finding.measured == pytest.approx(measured)
    assert finding.held is held
    assert report.cells(finding)[-1] == ("yes" if held else "NO")


def one(row: str, ours: float):
    return found(row, f"what of {row}", "unit", at_least(0), [ours])


def test_a_table_goes_into_the_places_of_a_page_whose_rows_were_all_measured(tmp_path):
    page = tmp_path / "page.md"
    place = "<!-- measured: {} -->\nold {}\n<!-- /measured -->\n"
    page.write_text("before\n" + place.format("a b", "ab") + "between\n" + place.format("c", "c"))
    pages.write(page, {"load": "1"}, [one("a", 1), one("b", 2), one("d", 3)])
    text = page.read_text()
    assert all(kept in text for kept in ("before\n", "between\n", "\nold c\n", "load 1"))
    assert "old ab" not in text
    assert "what of a" in text
    assert "what of b" in text
    assert "what of d" not in text
    assert pages.rows_of(text) == ["a", "b", "c"]


def test_a_file_without_places_gets_the_whole_table(tmp_path):
    pages.write(tmp_path / "new.md", {}, [one("a", 1)])
    assert "what of a" in (tmp_path / "new.md").read_text()


def test_the_pages_show_every_row_once():
    shown = [
        row for page in (ROOT / "docs").rglob("*.md") for row in pages.rows_of(page.read_text())
    ]
    assert sorted(shown) == sorted(ROWS)


def test_bodies_are_updates_of_a_chat_each_and_their_number_is_found_again():
    posted = body(FIRST + 7)
    reading = read(posted)
    assert reading is not None
    assert (reading.kind, reading.update_id) == ("message", FIRST + 7)
    assert 700 < len(posted) < 1_000
    assert reading.chat_id == read(body(FIRST + 20_007)).chat_id != read(body(FIRST)).chat_id
    event = Event(
        event_id="evt_1",
        bot_id=1,
        update_id=reading.update_id,
        kind=reading.kind,
        chat_id=reading.chat_id,
        user_id=reading.user_id,
        lane=None,
        received_at=1,
        expires_at=None,
        body=posted,
    )
    assert number_in(posted) == number_in(event_body(event)) == FIRST + 7
