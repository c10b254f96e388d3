"""A journal survives the death of its writer, in the middle of a line too."""

from __future__ import annotations

from hookgram.demo.journal import Journal, read_journal


def whats(path):
    return [entry["what"] for entry in read_journal(path)]


def test_a_line_cut_short_does_not_spoil_the_next_one(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.note("one")
    journal.close()
    with path.open("a") as file:
        file.write('{"what": "tw')
    again = Journal(path)
    again.note("three")
    again.close()
    assert whats(path) == ["one", "three"]


def test_an_empty_file_and_a_whole_one_stay_as_they_are(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.touch()
    for _ in range(2):
        journal = Journal(path)
        journal.note("one")
        journal.close()
    assert path.read_text().count("\n") == 2
    assert whats(path) == ["one", "one"]


def test_what_is_not_held_is_in_the_file_only(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl", held=False)
    journal.note("one")
    journal.close()
    assert journal.entries == []
    assert whats(journal.path) == ["one"]
