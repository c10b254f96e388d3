"""Every command line that the how-to pages and the commands' own help show works as it stands."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path

import pytest

from hookgram.cli import dead, events, targets
from hookgram.cli.main import main
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock, accept, arrival, definition, owed, register

ROOT = Path(__file__).parents[2]


def lines_of(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), flags=re.DOTALL)
    return [line for line in "".join(blocks).splitlines() if line.startswith("hookgram ")]


def examples() -> list[str]:
    """The examples that the help of each command gives."""
    found = []
    for module in (dead, events, targets):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__:
                found += re.findall(r"(hookgram [a-z]+ .+)", inspect.getdoc(function) or "")
    return found


@pytest.fixture
def hookgram(tmp_path, monkeypatch):
    path = tmp_path / "events.db"
    monkeypatch.setenv("SQLITE_PATH", str(path))
    monkeypatch.chdir(tmp_path)
    asyncio.run(fill(path))

    def run(line: str) -> int:
        monkeypatch.setattr("sys.argv", line.split())
        return main()

    return run


async def fill(path: Path) -> None:
    """Twenty-five events: dead at *old*, which nobody configures now, waiting at *shop*."""
    store = await open_sqlite(path, clock=HandClock())
    shop, old = await register(store, "shop", "old")
    for number in range(25):
        reason = "gone" if number % 2 else "http_503"
        await accept(store, arrival(owed(shop, "a", dead=reason), owed(old, dead=reason)))
        await accept(store, arrival(owed(shop, "a"), owed(old)))
    await store.register([definition("shop")])
    await store.close()


def test_each_command_gives_an_example():
    groups = (dead.dead, events.events, targets.targets)
    assert len(examples()) == sum(len(group.registered_commands) for group in groups)


@pytest.mark.parametrize("line", examples())
def test_each_example_of_the_help_works(hookgram, capfd, line):
    assert hookgram(line) == 0, capfd.readouterr()


@pytest.mark.parametrize("page", sorted((ROOT / "docs/how-to").glob("dead-*.md")))
def test_each_command_line_of_a_how_to_works_in_its_place(hookgram, capfd, page):
    assert lines_of(page)
    for line in lines_of(page):
        assert hookgram(line) == 0, (line, capfd.readouterr())
