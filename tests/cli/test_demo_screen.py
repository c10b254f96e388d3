"""What the demo shows: its numbers, its words, and tables that fit."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hookgram.cli.demo import words
from hookgram.cli.demo.board import Board, Row
from hookgram.cli.demo.screen import fitting, latency, say, table
from hookgram.cli.demo.show import prepared
from hookgram.core.facts import DeliverySettled, EventAccepted
from hookgram.core.outcome import Dead, Delivered, Retry
from hookgram.demo.plot import Plot
from hookgram.errors import SettingsError

PLOT = Plot(seconds=20, rate=10)


def row(target, unsettled=0, dead=0):
    return Row(
        target=target,
        received=123_456,
        delivered=123_400,
        unsettled=unsettled,
        retrying=unsettled,
        dead=dead,
        rate=40.0,
        latency=0.004,
    )


def rows(waiting=0, dead=0):
    return [row("crm"), row("shop", dead=dead), row("billing", unsettled=waiting)]


def settled(number, settlement, target="crm", latency=2_000):
    return DeliverySettled(
        seq=number,
        event_id="evt_1",
        update_id=number,
        bot_id=1,
        kind="message",
        delivery_id=number,
        target=target,
        attempt=1,
        settlement=settlement,
        answer=None,
        took=1_000,
        latency=latency,
    )


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_totals_are_the_stores_counters(clock):
    counts = {("crm", "created"): 10, ("crm", "delivered"): 6, ("crm", "dead"): 2}
    counts |= {("crm", "cancelled"): 1, ("crm", "purged"): 1}
    [seen] = Board(["crm"], clock).rows(counts)
    assert (seen.received, seen.delivered, seen.dead, seen.unsettled) == (10, 6, 1, 1)


def test_a_delivery_is_retrying_until_it_is_settled(clock):
    board = Board(["crm"], clock)
    counts = {("crm", "created"): 3}
    for number in (1, 2, 3):
        board(settled(number, Retry(wait=1, failures=1, reason="x")))
    assert board.rows(counts)[0].retrying == 3
    board(settled(1, Delivered()))
    board(settled(2, Dead(reason="gone", failures=1)))
    assert board.rows(counts)[0].retrying == 1
    assert board.dead_letter == 2


def test_rates_and_latencies_are_of_the_last_seconds(clock):
    board = Board(["crm"], clock)
    clock.now += 2
    for number in range(4):
        board(settled(number, Delivered(), latency=8_000))
        board(EventAccepted(seq=1, bot_id=1, update_id=1, kind="message", targets=1, size=1))
    assert board.first_delivery == 2
    [seen] = board.rows({})
    assert (seen.rate, seen.latency, board.accepting()) == (2, 0.008, 2)
    clock.now += 10
    [seen] = board.rows({})
    assert (seen.rate, seen.latency, board.accepting()) == (0, None, 0)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(width):
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(table(rows(waiting=99_999, dead=9_999), width))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 4
    assert max(len(line) for line in lines) <= width
    assert "".join(lines).isascii()


def test_wide_terminals_see_more():
    assert [column.name for column in fitting(30)] == ["target", "delivered", "dead"]
    eighty = [column.name for column in fitting(80)]
    assert {"received", "delivered", "retrying", "dead", "rate", "latency"} < set(eighty)
    assert "what it does" in [column.name for column in fitting(200)]


@pytest.mark.parametrize(("seconds", "said"), [(None, "-"), (0.0042, "4 ms"), (6.24, "6.2 s")])
def test_latencies_are_short(seconds, said):
    assert latency(seconds) == said


@pytest.mark.parametrize(
    ("at", "seen", "said"),
    [
        (0.5, rows(), "Telegram posts."),
        (3, rows(), "shop fails now and then"),
        (6, rows(waiting=40), "billing is down for 3 s: its updates wait in order"),
        (10, rows(waiting=40), "billing is back: its 40 updates"),
        (15, rows(dead=3), "shop refused 3 for good (410)"),
    ],
)
def test_it_is_told_in_a_short_line_what_happens(at, seen, said):
    line = words.narration(PLOT, at, seen, playing=True)
    assert line.startswith(said)
    assert line.isascii()
    assert len(line) <= 80


def test_when_telegram_is_quiet_the_rest_is_delivered():
    assert "still owed" in words.narration(PLOT, 6, rows(waiting=3), playing=False)


def test_dead_letters_that_are_meant_are_explained():
    assert words.meant(rows()) == []
    assert "shop refused them for good (410)" in words.meant(rows(dead=3))[0]


def test_what_to_try_next_are_whole_commands(tmp_path):
    place = words.Place(tmp_path / "with space", "http://127.0.0.1:1")
    told = words.advice(place, 7, endless=True)
    assert "Ctrl-C" in told[0]
    commands = [line for line in told if line.startswith("  ")]
    assert f"  export SQLITE_PATH='{tmp_path}/with space/events.db'" in commands
    assert any(line.endswith("dead replay 7") for line in commands)


def test_the_program_is_named_as_the_shell_finds_it(tmp_path, monkeypatch):
    script = tmp_path / "bin" / "hookgram"
    script.parent.mkdir()
    script.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(script), "demo"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert words.invocation() == "bin/hookgram"
    monkeypatch.setenv("PATH", str(script.parent))
    assert words.invocation() == "hookgram"
    monkeypatch.setattr("sys.argv", ["/x/hookgram/__main__.py", "demo"])
    assert words.invocation().endswith("-m hookgram")


def test_a_folder_that_cannot_be_used_is_told_with_its_reason(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be used as a folder"):
        prepared(tmp_path / "file" / "below")
    assert prepared(tmp_path / "new" / "folder").is_dir()


def test_on_a_terminal_sentences_are_wrapped_and_commands_are_not():
    file = io.StringIO()
    console = Console(width=30, file=file, force_terminal=True, no_color=True)
    say(console, "a sentence that is longer than thirty", "  export A=/longer/than/thirty/columns")
    assert file.getvalue().splitlines() == [
        "a sentence that is longer than",
        "thirty",
        "  export A=/longer/than/thirty/columns",
    ]
