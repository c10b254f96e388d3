"""Every key of a TOML text has the line on which it stands."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.settings.file.lines import lines_of, nearest

TEXT = r'''# a comment with [brackets] and "quotes"
title = "a # sign, a [ and an = sign"

[[bots]]
name = "shop"
token = """
[[bots]]
name = "not a key" \""" ""
""""

[[bots]]
name = 'C:\'
"quoted = key" = 1

[[targets]]
name = "orders"
bots = [
  "shop", # the first
  # nothing
  "other",
]
filter.kinds = ["message", 'it''s' ]
headers = { "X-A" = "1", b.c = [ { d = 2 } ] }
since = 2026-01-01 10:00:00Z

[targets.limits]
slots = 5

[[targets.parts]]
a = 1
[[targets.parts]]
a = 2

[[targets]]
name = "last"'''
TEXT = TEXT.replace(" 'it''s' ", " 'its' ")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 2),
        (("bots",), 4),
        (("bots", 0), 4),
        (("bots", 0, "name"), 5),
        (("bots", 0, "token"), 6),
        (("bots", 1), 11),
        (("bots", 1, "name"), 12),
        (("bots", 1, "quoted = key"), 13),
        (("targets", 0, "name"), 16),
        (("targets", 0, "bots"), 17),
        (("targets", 0, "bots", 0), 18),
        (("targets", 0, "bots", 1), 20),
        (("targets", 0, "filter"), 22),
        (("targets", 0, "filter", "kinds"), 22),
        (("targets", 0, "filter", "kinds", 1), 22),
        (("targets", 0, "headers", "X-A"), 23),
        (("targets", 0, "headers", "b", "c", 0, "d"), 23),
        (("targets", 0, "since"), 24),
        (("targets", 0, "limits"), 26),
        (("targets", 0, "limits", "slots"), 27),
        (("targets", 0, "parts", 0, "a"), 30),
        (("targets", 0, "parts", 1, "a"), 32),
        (("targets", 1), 34),
        (("targets", 1, "name"), 35),
    ],
)
def test_a_key_has_its_line(place, line):
    assert lines_of(TEXT)[place] == line


def places(value, place=()):
    """Yield the place of everything in what the parser made of a text."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*place, key))


def test_exactly_what_the_parser_found_has_a_line():
    assert set(lines_of(TEXT)) == set(places(tomllib.loads(TEXT)))


def test_what_is_not_there_is_told_where_it_would_be():
    lines = lines_of(TEXT)
    assert nearest(lines, ("targets", 1, "url")) == 34
    assert nearest(lines, ("targets", 0, "filter", "kinds", 7)) == 22
    assert nearest(lines, ("nothing",)) == 1


def test_an_empty_text_has_no_keys():
    assert lines_of("") == {}
    assert lines_of("# nothing\n\n") == {}


NAMES = st.sampled_from(["a", "b", "c-d", '"e f"', "'#'"])
PLAIN = st.sampled_from(
    ['"x"', '"\\"]"', "'\\'", '"""a\n"b" """', "'''\n]'''", "1", "-2.5", "true", "2026-01-01"]
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: "[ " + ",\n# ]\n ".join(many) + " ]")
        | st.dictionaries(NAMES, inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{k} = {v}" for k, v in pairs.items()) + "}"
        )
    ),
    max_leaves=8,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=4).map(
    lambda pairs: "".join(f"{k} = {v} # {{\n" for k, v in pairs.items())
)


@given(TABLES, st.lists(TABLES, max_size=3), TABLES)
def test_any_text_that_the_parser_takes_is_walked_as_it_parses(top, elements, table):
    text = top + "".join(f"[[many]]\n{one}" for one in elements) + f"\n[one.two]\n{table}"
    assert set(lines_of(text)) - {("one",)} == set(places(tomllib.loads(text))) - {("one",)}
