"""The demo as a real process: piped, on terminals, interrupted, killed, and on a broken gateway."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fakes.command import command
from fakes.gateway import Process
from fakes.terminal import Terminal
from hookgram.demo.journal import read_journal

DEMO = [sys.executable, "-m", "hookgram", "demo"]
BROKEN = Path(__file__).parents[1] / "fakes" / "broken.py"
DEADLINE = 40
CLOSED = re.compile(
    r"the ledger closes: \d+ acknowledged, \d+ delivered, \d+ dead(, \d+ still owed)?,"
    r" \d+ duplicates, 0 lost"
)


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return an environment whose settings are somebody's own, and none of the demo's business."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    own = {
        "BOT_TOKEN": "nonsense",
        "PORT": "nonsense",
        "TARGET_WEBHOOK_URL": "http://127.0.0.1:9/somebody-elses",
        "SQLITE_PATH": str(folder / "somebody-elses.db"),
    }
    place = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONWARNINGS": "error"}
    return {**kept, **own, **place, "TERM": "xterm-256color", "LANG": "C.UTF-8", **variables}


class Run:
    """A demo whose lines can be waited for."""

    def __init__(self, folder: Path, *words: str, command: list[str] | None = None) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._enough = False
        self._process = subprocess.Popen(
            [*(command or DEMO), *words],
            env=environment(folder),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify()
                if self._enough:
                    break
        self._process.stdout.close()

    def until_true(self, fact) -> None:
        """Look until something outside of what it prints is true."""
        end = time.monotonic() + DEADLINE
        while not fact():
            assert time.monotonic() < end, self.lines
            with self._news:
                self._news.wait(0.02)

    def stop_reading(self) -> None:
        """Close the pipe after the next line."""
        self._enough = True

    def until(self, words: str) -> str:
        """Wait for a line with these words."""

        def found():
            return next((line for line in self.lines if words in line), None)

        with self._news:
            line = self._news.wait_for(found, DEADLINE)
        assert line is not None, self.lines
        return line

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def ended(self) -> int:
        code = self._process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.ended()


def billing_down(data: Path):
    """Tell, when asked, whether the target with an outage has gone down."""
    journal = data / "demo.jsonl"
    return lambda: journal.exists() and any(e["what"] == "shut" for e in read_journal(journal))


@pytest.fixture
def start(tmp_path):
    """Start demos that are gone at the end, whatever happens."""
    with contextlib.ExitStack() as stack:

        def begin(*words, command=None):
            run = Run(tmp_path, *words, command=command)
            stack.callback(run.kill)
            return run

        yield begin


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run the whole demo in four surroundings at once."""
    folder = tmp_path_factory.mktemp("demo")
    piped = Run(folder, "--seconds", "2")
    terminals = {
        name: Terminal(
            [*DEMO, "--seconds", "2"],
            columns,
            30,
            env=environment(folder, **variables),
            cwd=folder,
        )
        for name, columns, variables in (
            ("80", 80, {}),
            ("200", 200, {}),
            ("dumb", 80, {"TERM": "dumb", "LC_ALL": "C", "PYTHONUTF8": "0"}),
        )
    }
    assert piped.ended() == 0, piped.lines
    for terminal in terminals.values():
        assert terminal.ended(DEADLINE) == 0, terminal.text
    return piped, terminals, folder


def test_piped_it_prints_lines_and_the_verdict_last(finished):
    piped, _, folder = finished
    assert CLOSED.fullmatch(piped.lines[-1]), piped.lines
    assert any("first delivery after" in line for line in piped.lines)
    assert any(line.startswith("  export SQLITE_PATH=") for line in piped.lines)
    assert not any("\x1b" in line for line in piped.lines)
    assert list(folder.iterdir()) == []  # nothing is left, nothing of somebody else's was touched


@pytest.mark.parametrize("columns", [80, 200])
def test_on_a_terminal_a_table_is_drawn_in_place(finished, columns):
    screen = finished[1][str(columns)].screen()
    titles = [line for line in screen if line.startswith("hookgram demo, ")]
    assert len(titles) == 1, "\n".join(screen)
    [head] = [line for line in screen if line.startswith("target ")]
    words = {"received", "delivered", "retrying", "dead", "rate", "latency"}
    assert words <= set(head.split())
    assert ("what it does" in head) is (columns == 200)
    for name in ("crm", "shop", "billing"):
        [line] = [line for line in screen if line.startswith(f"{name} ")]
        assert len(line) <= columns
    assert CLOSED.search(" ".join(screen))
    assert finished[1][str(columns)].text.count("\x1b[?25l") == 1
    assert finished[1][str(columns)].text.count("\x1b[?25h") == 1


def test_a_dumb_terminal_without_utf_8_gets_plain_ascii_lines(finished):
    text = finished[1]["dumb"].text
    assert "\x1b" not in text
    assert text.isascii()
    assert CLOSED.search(" ".join(text.split()))


async def delivered(told, event):
    """List the deliveries of an event that are delivered."""
    shown = await told("events", "show", event)
    return [one["delivery_id"] for one in shown["deliveries"] if one["state"] == "delivered"]


async def test_a_dead_letter_replayed_meanwhile_is_delivered_and_ctrl_c_closes_the_books(
    start, tmp_path
):
    run = start("--keep", "--seconds", "2", "--data", str(tmp_path / "data"))
    run.until("dead replay")
    second = start("--data", str(tmp_path / "data"))
    assert second.ended() == 75
    assert "another demo works in" in second.lines[-1]

    async def told(*words):
        place = str(tmp_path / "data" / "events.db")
        return (await command(tmp_path, *words, "--json", SQLITE_PATH=place)).document

    letter = (await told("dead", "list"))["dead"][-1]
    number = str(letter["delivery_id"])
    assert (letter["target"], letter["reason"]) == ("shop", "gone")
    assert (await told("dead", "show", number))["attempts"]
    assert (await told("dead", "replay", number))["replayed"] == 1
    async with asyncio.timeout(DEADLINE):
        while not (replay := await told("dead", "show", number))["replayed_as"]:
            await Process.breathe()
        while replay["replayed_as"] not in await delivered(told, letter["event_id"]):
            await Process.breathe()
    run.signal(signal.SIGINT)
    assert run.ended() == 0, run.lines
    assert CLOSED.fullmatch(run.lines[-1])
    assert not any("Traceback" in line for line in run.lines)
    shop = read_journal(tmp_path / "data" / "shop.jsonl")
    assert [e["replay_of"] for e in shop if e["replay_of"]] == [number]


def test_a_second_ctrl_c_leaves_what_is_owed_for_the_next_time(start, tmp_path):
    run = start("--keep", "--seconds", "4", "--rate", "200", "--data", str(tmp_path / "data"))
    run.until_true(billing_down(tmp_path / "data"))
    run.signal(signal.SIGINT)
    run.until("Telegram is quiet")
    run.signal(signal.SIGINT)
    assert run.ended() == 0, run.lines
    assert CLOSED.fullmatch(run.lines[-1])
    again = start("--seconds", "2", "--data", str(tmp_path / "data"))
    assert again.ended() == 0, again.lines
    assert "still owed" not in again.lines[-1]


def test_killed_and_started_again_on_its_data_its_ledger_closes(start, tmp_path):
    words = ("--seconds", "3", "--rate", "100", "--data", str(tmp_path / "data"))
    run = start(*words)
    run.until_true(billing_down(tmp_path / "data"))
    run.kill()
    again = start(*words)
    assert again.ended() == 0, again.lines
    assert CLOSED.fullmatch(again.lines[-1])
    journal = read_journal(tmp_path / "data" / "telegram.jsonl")
    acked = {entry["update_id"] for entry in journal if entry["what"] == "acked"}
    assert f"{len(acked)} acknowledged" in again.lines[-1]
    assert len(acked) > 300  # the second run went on where the first was cut


def test_on_a_gateway_that_loses_updates_it_says_so_and_answers_no(start, tmp_path):
    command = [sys.executable, "-P", str(BROKEN), "reply_before_commit", "demo"]
    words = ("--seconds", "2", "--rate", "100", "--data", str(tmp_path / "data"))
    run = start(*words, command=command)
    run.until_true(billing_down(tmp_path / "data"))
    run.kill()
    again = start(*words)
    assert again.ended() == 1, again.lines
    assert re.fullmatch(r"THE LEDGER DOES NOT CLOSE: .*, [1-9]\d* lost", again.lines[-1])


def test_when_nobody_reads_any_more_it_ends_and_leaves_nothing(start, tmp_path):
    run = start("--keep")
    run.until("first delivery")
    run.stop_reading()
    assert run.ended() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_somebodys_own_queue_is_left_alone(start, tmp_path):
    own = tmp_path / "own" / "events.db"
    own.parent.mkdir()
    own.write_bytes(b"a queue")
    run = start("--data", str(own.parent))
    assert run.ended() == 78
    assert "not a demo's" in run.lines[-1]
    assert [file.name for file in own.parent.iterdir()] == ["events.db"]
    assert own.read_bytes() == b"a queue"
