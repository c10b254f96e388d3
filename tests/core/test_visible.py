"""Nothing that a stranger wrote commands a terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest

from hookgram.core.visible import in_json, lines, one_line

HOSTILE = "a\x1b[2J\x07\x08\x9b31m\r\n\tb\u202ec\u2066d\u2028e\x7ff\x00g\ud800h\u200fi\u061cj"


def commands(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def test_one_line_holds_nothing_that_moves_or_hides():
    assert commands(one_line(HOSTILE)) == set()
    assert one_line("a\x1b[2J\nb\tc\u202e") == "a\\x1b[2J\\x0ab c\\u202e"


def test_lines_keep_their_ends_and_nothing_else():
    assert commands(lines(HOSTILE)) == {"\n"}
    assert lines("a\nb\r\nc", indent="  ") == "a\n  b\\x0d\n  c"


@pytest.mark.parametrize("text", ["", "plain", "Привет, 你好 🎉", "c:\\x1b"])
def test_what_people_write_stays_as_it_is(text):
    assert one_line(text) == lines(text) == in_json(text) == text


def test_a_json_text_keeps_its_value():
    document = {"text": HOSTILE, HOSTILE: 1}
    shown = in_json(json.dumps(document, ensure_ascii=False, indent=2))
    assert commands(shown) == {"\n"}
    assert json.loads(shown) == document
