"""The commands that look at a store and change it, as real processes on a file of their own."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import unicodedata
from functools import partial
from pathlib import Path

import pytest

from fakes.command import command, on_terminal
from hookgram.cli.main import main
from hookgram.core.definition import Target
from hookgram.core.model import SECOND
from hookgram.core.outcome import Dead
from hookgram.store.sqlite import open_sqlite, open_sqlite_journal
from hookgram.store.sqlite.connection import Opening, open_writer
from store.makers import (
    HandClock,
    accept,
    arrival,
    attempt,
    claim_one,
    definition,
    deliver,
    owed,
    register,
)

HOSTILE = "a\x1b[2J\x9b31m\u202eb\x07"
SECRET = "https://user:CANARY@h.example/CANARY?k=CANARY"


@pytest.fixture
def hookgram(tmp_path):
    return partial(command, tmp_path, SQLITE_PATH=str(tmp_path / "events.db"))


@pytest.fixture
def inside(tmp_path, monkeypatch, capfd):
    """Run a command within this process, which is quicker: its exit code, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hookgram", *words])
        monkeypatch.setenv("SQLITE_PATH", str(tmp_path / "events.db"))
        monkeypatch.chdir(tmp_path)
        return main(), *capfd.readouterr()

    return run


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store: six events for two targets, one of them orphaned; dead, delivered and waiting."""
    place = tmp_path / "events.db"
    clock = HandClock()
    store = await open_sqlite(place, clock=clock)
    shop, old = await register(store, "shop", "old")
    for number in range(6):
        clock.step(SECOND)
        await accept(store, event(number, shop, old))
    await deliver(store, await claim_one(store, shop))
    claimed = await claim_one(store, shop)
    tried = attempt(claimed, 500, excerpt=f"{HOSTILE} {SECRET}")
    await store.settle(claimed, Dead(reason="http_500", failures=1), tried)
    await store.register([definition("shop")])
    await store.close()
    return place


def event(number: int, shop: Target, old: Target):
    text = json.dumps({"update_id": number, "message": {"text": HOSTILE}}, ensure_ascii=False)
    wanted = (owed(shop, "a"), owed(old, dead="rate_limited" if number % 2 else None))
    kind = "message" if number % 3 else "business_message_of_a_kind_to_come"
    return arrival(*wanted, lane="a", kind=kind, chat_id=number % 2, body=text.encode())


LISTS = (["events", "list"], ["dead", "list"], ["targets", "list"])
LOOKS = (*LISTS, ["events", "show", "2"], ["dead", "show", "3"])


@pytest.mark.parametrize(
    "words",
    [
        *LOOKS,
        *(["dead", "replay", "--all", "-y"], ["dead", "purge", "--all", "-y"]),
        *(["events", "replay", "1"], ["targets", "pause", "shop"], ["targets", "remove", "shop"]),
    ],
    ids=" ".join,
)
def test_without_a_store_it_is_said_kindly_and_none_is_made(inside, tmp_path, words):
    code, out, err = inside(*words)
    assert (code, out) == (78, "")
    assert "there is no store at" in err
    assert "SQLITE_PATH" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["dead", "list"], ["dead", "purge", "1"]], ids=" ".join)
def test_another_schema_is_left_as_it_is(inside, tmp_path, words):
    db = open_writer(Opening(path=tmp_path / "events.db"))
    db.pragma("user_version", 99)
    db.close()
    code, _, err = inside(*words)
    assert code == 74
    assert "version 99" in err


@pytest.mark.parametrize(
    "words",
    [
        ["events", "show", "99"],
        ["events", "show", "evt_nothing"],
        ["events", "list", "--before", "evt_nothing"],
        ["events", "replay", "99"],
        ["dead", "show", "99"],
        ["dead", "show", "1"],
        ["dead", "replay", "99"],
        ["dead", "purge", "1"],
        ["targets", "remove", "nobody", "-y"],
        ["targets", "pause", "nobody"],
        ["targets", "remove", "shop", "-y"],
    ],
    ids=" ".join,
)
def test_what_is_not_there_or_must_not_be_is_a_no(inside, path, words):
    code, out, err = inside(*words)
    assert (code, out) == (1, "")
    assert err.startswith("hookgram: ")
    assert "bug" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["dead", "replay"],
        ["dead", "purge"],
        ["events", "replay"],
        ["dead", "replay", "3", "--all"],
        ["dead", "purge", "--all", "--reason", "x"],
        ["dead", "replay", "--all"],
        ["dead", "purge", "--all"],
        ["targets", "remove", "old"],
        ["events", "list", "--state", "lost"],
        ["events", "list", "--since", "yesterday"],
        ["events", "list", "--limit", "501"],
        ["events", "list", "--chat", str(2**63)],
        ["events", "replay", "--state", "pending"],
        ["dead", "list", "--older-than", "2026"],
        ["dead", "show", str(2**63)],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_and_changes_nothing(inside, path, words):
    before = looked_at(path)
    code, out, err = inside(*words)
    assert (code, out) == (2, "")
    assert "Invalid value" in err
    assert looked_at(path) == before


def looked_at(path: Path) -> tuple[object, ...]:
    async def look() -> tuple[object, ...]:
        journal = await open_sqlite_journal(path)
        try:
            return await journal.targets(), await journal.deliveries(limit=500)
        finally:
            await journal.close()

    return asyncio.run(look())


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["", "json"])
def test_nothing_of_a_stranger_commands_a_terminal(inside, path, words, form):
    code, out, err = inside(*words, *form)
    assert code == 0, err
    assert commands_in(out) <= {"\n"}
    assert "CANARY" not in out + err


def commands_in(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}}


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_table_fits_the_terminal(path, columns, words):
    shown = on_terminal(path, columns, *words).text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert "\x1b[" in shown
    assert max(len(line.rstrip()) for line in plain) <= columns
    ids = any("evt_" in line or "env" in line for line in plain)
    assert ids == (columns == 200)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_no_color_is_heeded(path, words):
    shown = on_terminal(path, 80, *words, NO_COLOR="1").text
    assert re.findall(r"\x1b\[(?:[0-9]+;)*[349][0-9]m", shown) == []


def test_an_order_asks_first_and_takes_a_no(path):
    before = looked_at(path)
    said = on_terminal(path, 80, "dead", "purge", "--all", typed=b"n\n", code=1).text
    assert "Purge 4 dead letters of 2 targets? [y/N]" in said
    assert "Nothing was changed." in said
    on_terminal(path, 80, "targets", "remove", "old", typed=b"\n", code=1)
    assert looked_at(path) == before
    said = on_terminal(path, 80, "dead", "purge", "--all", typed=b"y\n").text
    assert "Purged: 4 dead letters." in said


async def test_lists_are_plain_lines_when_piped(hookgram, path):
    ended = await hookgram("targets", "list", COLUMNS="20")
    heading, shop, old = ended.out.splitlines()
    assert heading.split()[:3] == ["target", "state", "goes"]
    assert shop.split() == [
        "shop",
        "ok",
        "shop.example.com",
        "4",
        "273",
        "d",
        "ago",
        "1",
        "1",
        "6",
        "env",
    ] or (shop.split()[:4] == ["shop", "ok", "shop.example.com", "4"])
    assert old.split()[:3] == ["old", "orphaned", "old.example.com"]


async def test_a_page_says_how_to_go_on(hookgram, path):
    first = await hookgram("events", "list", "--limit", "4")
    assert "--before 3\n" in first.err
    second = await hookgram("events", "list", "--limit", "4", "--before", "3")
    assert second.err == ""
    assert [line.split()[0] for line in second.out.splitlines()] == ["event", "2", "1"]
    named = (await hookgram("events", "show", "3", "--json")).document["event_id"]
    assert (await hookgram("events", "list", "--before", named)).out == second.out
    assert "There is no such event." in (await hookgram("events", "list", "--chat", "9")).err


async def test_a_walk_that_ends_early_says_so(hookgram, tmp_path):
    store = await open_sqlite(tmp_path / "events.db", clock=HandClock())
    await accept(store, arrival(chat_id=99))
    for _ in range(42):
        await accept(store, *(arrival() for _ in range(500)))
    await store.close()
    first = await hookgram("events", "list", "--chat", "99")
    assert first.out == ""
    assert "0 events found so far" in first.err
    [cursor] = re.findall(r"--before (\d+)", first.err)
    second = await hookgram("events", "list", "--chat", "99", "--before", cursor)
    assert second.out.splitlines()[1].split()[0] == "1"
    document = (await hookgram("events", "list", "--chat", "99", "--json")).document
    assert document == {"events": [], "next_before": int(cursor)}


async def test_json_times_are_text_and_microseconds(hookgram, path):
    [*_, first] = (await hookgram("events", "list", "--json")).document["events"]
    assert first["received_at"] == "2026-02-25T17:23:50.123457Z"
    assert first["received_at_us"] == 1_772_040_230_123_457
    assert first["deliveries"] == {"pending": 1, "delivered": 1}


async def test_bytes_come_out_as_they_went_in(hookgram, tmp_path):
    store = await open_sqlite(tmp_path / "events.db", clock=HandClock())
    body = b'{"update_id": 1.0,\r\n "message":"\xff\x1b"}'
    await accept(store, arrival(body=body), arrival(body=b"\x00\x1b[2J no", kind="unparsed"))
    await store.close()
    assert (await hookgram("events", "show", "1", "--raw")).raw == body
    assert (await hookgram("events", "show", "1", "--json")).document["body"] is None
    unread = (await hookgram("events", "show", "2", "--json")).document
    assert base64.b64decode(unread["body_base64"]) == b"\x00\x1b[2J no"
    assert "\\x00\\x1b[2J no" in (await hookgram("events", "show", "2")).out


@pytest.mark.parametrize("chosen", [["3"], ["--reason", "rate"], ["--older-than", "1s"]])
@pytest.mark.parametrize(("verb", "done"), [("replay", "replayed"), ("purge", "purged")])
def test_a_dry_run_counts_what_the_order_does(inside, path, verb, done, chosen):
    words = ("dead", verb, *chosen, "--json", "--yes")
    before = looked_at(path)
    code, counted, _ = inside(*words, "--dry-run")
    assert (code, json.loads(counted)["dry_run"], json.loads(counted)[done]) == (0, True, 0)
    assert looked_at(path) == before
    _, ended, _ = inside(*words)
    assert json.loads(ended)[done] == json.loads(ended)["matched"] > 0
    assert json.loads(ended)["matched"] == json.loads(counted)["matched"]


async def test_purging_adds_up(hookgram, path):
    assert (await hookgram("dead", "purge", "3", "--json")).document["purged"] == 1
    done = await hookgram("dead", "purge", "--target", "old", "--reason", "rate", "--yes")
    assert done.out == "Purged: 3 dead letters.\n"
    rows = (await hookgram("targets", "list", "--json")).document["targets"]
    assert [(row["dead"], row["purged"], row["dead_kept"]) for row in rows] == [
        (1, 1, 0),
        (3, 3, 0),
    ]
    again = await hookgram("dead", "purge", "--all", "--yes")
    assert (again.code, again.out) == (0, "There is no such dead letter.\n")


async def test_an_orphan_is_removed_and_its_dead_letters_stay(hookgram, path):
    removed = await hookgram("targets", "remove", "old", "-y")
    assert removed.out == "Target old is removed; 3 deliveries cancelled.\n"
    dead = (await hookgram("dead", "list", "--target", "old", "--json")).document["dead"]
    assert len(dead) == 3
    refused = await hookgram("dead", "replay", str(dead[0]["delivery_id"]))
    assert refused.code == 1
    assert "was removed" in refused.err
    nothing = await hookgram("dead", "replay", "--target", "old", "--yes")
    assert (nothing.code, "no such" in nothing.out) == (0, True)
