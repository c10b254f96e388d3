"""Commands that look at a store need to know where it is, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookgram.errors import SettingsError
from hookgram.settings import load_place


def test_nothing_need_be_set():
    place = load_place()
    assert (place.backend, place.sqlite_path) == ("sqlite", Path("events.db"))


def test_no_other_setting_need_be_right(monkeypatch):
    for name, value in {"SQLITE_PATH": "/d/e.db", "PORT": "abc", "BOT_TOKEN": "no"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OUTBOUND_SECRET_FILE", "/nowhere")
    assert load_place().sqlite_path == Path("/d/e.db")


def test_the_environment_is_stronger_than_the_file(folder, monkeypatch):
    (folder / ".env").write_text("SQLITE_PATH=./of-file.db\n")
    assert load_place().sqlite_path == Path("of-file.db")
    monkeypatch.setenv("SQLITE_PATH", "of-environment.db")
    assert load_place().sqlite_path == Path("of-environment.db")


def test_what_is_wrong_with_the_place_is_told_at_once(monkeypatch):
    monkeypatch.setenv("SQLITE_PATH", ":memory:")
    monkeypatch.setenv("QUEUE_BACKEND", "files")
    monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere")
    with pytest.raises(SettingsError) as caught:
        load_place()
    told = [problem.partition(":")[0] for problem in caught.value.problems]
    assert sorted(told) == ["DATABASE_URL_FILE", "QUEUE_BACKEND", "SQLITE_PATH"]


def test_an_env_file_that_is_no_text_is_told(folder):
    (folder / ".env").write_bytes(b"SQLITE_PATH=\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_place()
