"""An environment that holds nothing but what a test sets, in a folder of its own."""

from __future__ import annotations

import os

import pytest

from hookgram.errors import SettingsError
from hookgram.settings import load

TOKEN = "123456:AAF0-this_is_a_token_of_the_tests_only"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def given(monkeypatch):
    """Load the settings of a valid environment and these variables."""

    def given(**variables):
        for name, value in {"BOT_TOKEN": TOKEN, **variables}.items():
            monkeypatch.setenv(name, value)
        return load()

    return given


@pytest.fixture
def problems(given):
    """Tell what is wrong with a valid environment and these variables."""

    def problems(**variables):
        with pytest.raises(SettingsError) as caught:
            given(**variables)
        assert caught.value.__cause__ is None
        return caught.value.problems

    return problems
