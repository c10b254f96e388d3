"""What a filter lets through."""

from __future__ import annotations

import fnmatch
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core import filter as filters
from hookgram.core.definition import Filter
from hookgram.core.filter import fits
from hookgram.core.reading import Reading, read

SAMPLES = Path(__file__).parents[1] / "data" / "updates.jsonl"


def reading(kind: str = "message", **fields) -> Reading:
    return Reading(update_id=1, kind=kind, payload=b"{}", **fields)


def admits(reading: Reading, *, former=(), search=None, **lists) -> bool:
    return filters.admits(Filter(**lists), reading, former, search or no_engine)


def no_engine(expression: str, text: str) -> bool:
    raise AssertionError("no expression is there to be asked for")


def test_a_filter_of_nothing_admits_everything():
    for line in SAMPLES.read_bytes().splitlines():
        body = json.dumps(json.loads(line)["update"]).encode()
        assert admits(read(body))


def test_every_list_must_fit_and_one_of_each_is_enough():
    lists = {"kinds": frozenset({"message", "poll"}), "chats": frozenset({1, 2})}
    assert admits(reading(chat_id=2), **lists)
    assert not admits(reading(chat_id=3), **lists)
    assert not admits(reading("edited_message", chat_id=2), **lists)


def test_an_update_without_a_chat_is_in_none():
    assert not admits(reading("inline_query"), chats=frozenset({1}))
    assert not admits(reading(), users=frozenset({1}))


def test_a_chat_that_migrated_is_still_the_one_that_was_named():
    assert admits(reading(chat_id=-1005), former=(-5,), chats=frozenset({-5}))
    assert not admits(reading(chat_id=-1005), former=(-6,), chats=frozenset({-5}))


@pytest.mark.parametrize(
    ("text", "wanted", "fits"),
    [
        ("/start", "/start", True),
        ("/start now", "/start", True),
        ("/start\nnow", "/start", True),
        ("/START", "/start", True),
        ("/start@shop_bot 5", "/start", True),
        ("/start@shop_bot", "/start@shop_bot", True),
        ("/start@Shop_Bot", "/start@shop_bot", True),
        ("/start@other_bot", "/start@shop_bot", False),
        ("/start", "/start@shop_bot", False),
        ("/starter", "/start", False),
        ("please /start", "/start", False),
        (" /start", "/start", False),
        ("start", "/start", False),
        ("", "/start", False),
        (None, "/start", False),
        ("/", "/start", False),
    ],
)
def test_a_command_is_what_a_message_begins_with(text, wanted, fits):
    assert admits(reading(text=text), commands=frozenset({wanted})) is fits


def test_only_messages_hold_commands():
    query = reading("callback_query", text="/start")
    assert not admits(query, commands=frozenset({"/start"}))


@pytest.mark.parametrize(
    ("glob", "text", "fit"),
    [
        ("hello", "Hello", True),
        ("hello", "hello!", False),
        ("hello*", "Hello, world", True),
        ("*world", "hello WORLD", True),
        ("*lo*wo*", "hello world", True),
        ("*", "", True),
        ("*", "anything", True),
        ("", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*ab*ab", "ab", False),
        ("STRASSE*", "straße 5", True),
        ("what?", "what?", True),
        ("what?", "whats", False),
        ("[a-z]", "b", False),
        ("two*lines", "two\nlines", True),
    ],
)
def test_a_glob_fits_the_whole_text(glob, text, fit):
    assert fits(glob, text) is fit
    assert admits(reading(text=text), text=(glob,)) is fit


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_a_glob_is_what_the_shell_means_by_a_star(glob, text):
    assert fits(glob, text) is fnmatch.fnmatchcase(text, glob)


def test_a_glob_never_backtracks():
    began = time.perf_counter()
    assert not fits("*a" * 128 + "b", "a" * 4096)
    assert time.perf_counter() - began < 0.5


def test_an_update_without_a_text_fits_no_pattern():
    assert not admits(reading(), text=("*",))


def test_an_expression_is_asked_of_the_engine():
    asked = []

    def search(expression: str, text: str) -> bool:
        asked.append((expression, text))
        return True

    assert admits(reading(text="order 5"), text=("no", "re2:order \\d+"), search=search)
    assert asked == [("order \\d+", "order 5")]


def test_no_more_of_a_text_is_looked_at_than_telegram_lets_a_message_have():
    assert not admits(reading(text="x" * 5000 + "end"), text=("*end",))
