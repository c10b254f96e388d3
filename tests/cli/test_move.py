"""``hookgram move`` as people call it: what it says, and how it ends when something is wrong."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from fakes.command import command, on_terminal
from fakes.postgres import connected, running
from hookgram.cli.main import main
from hookgram.store.sqlite import hold, open_sqlite
from store.makers import HandClock, arrival, owed, register

PASSWORD = "CANARY-CANARY"
TO_FILE = ("move", "--from", "sqlite", "--to", "postgres")


@pytest.fixture
async def url():
    """A database of ours with a password, which this server does not ask for."""
    name = await running().database()
    yield running().url(name).replace("postgres@", f"postgres:{PASSWORD}@")
    await running().drop(name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    asyncio.run(fill(tmp_path / "events.db"))
    return tmp_path / "events.db"


async def fill(path: Path) -> None:
    store = await open_sqlite(path, clock=HandClock())
    shop, old = await register(store, "shop", "old")
    for number in range(30):
        dead = "http_410" if number % 3 == 0 else None
        await store.accept([arrival(owed(shop, "42|m:1"), owed(old, dead=dead), lane="42|m:1")])
    await store.close()


@pytest.fixture
def hookgram(tmp_path, path, url):
    run = partial(command, tmp_path, SQLITE_PATH=str(path), DATABASE_URL=url)

    async def quietly(*words: str, **variables: str):
        done = await run(*words, **variables)
        assert PASSWORD not in done.out + done.err
        return done

    return quietly


@pytest.fixture
def typed(tmp_path, path, monkeypatch, capfd):
    """Run it here and now; the exit code, and what it said of what was wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SQLITE_PATH", str(path))
    monkeypatch.setenv("DATABASE_URL", f"postgres://u:{PASSWORD}@127.0.0.1:1/db")
    (tmp_path / "text.txt").write_text("this is no store of anybody's\n" * 100)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["hookgram", "move", *words])
        return main(), capfd.readouterr().err

    return run


async def test_it_counts_first_then_moves_and_tells_what_is_at_both_ends(hookgram, path):
    looked = await hookgram(*TO_FILE, "--dry-run")
    assert looked.code == 0, looked.err
    assert "Would move 126 rows to 127.0.0.1:" in looked.out
    moved = await hookgram(*TO_FILE)
    assert moved.code == 0, moved.err
    rows = [line.split() for line in moved.out.splitlines()]
    assert ["events", "-", "30", "30", "ok"] in rows
    assert ["waiting", "shop", "29", "29", "ok"] in rows
    assert ["dead", "old", "10", "10", "ok"] in rows
    assert "differ" not in moved.out
    assert "deliveries: " in moved.err
    again = await hookgram(*TO_FILE)
    assert (again.code, again.err) == (0, "")
    assert "QUEUE_BACKEND=postgres" in again.out
    looked = await hookgram(*TO_FILE, "--dry-run")
    assert "was moved to" in looked.out


async def test_a_gateway_that_runs_keeps_its_file(hookgram, path):
    with hold(path):
        refused = await hookgram(*TO_FILE)
        assert refused.code == 75
        assert "let it end first" in refused.err
        assert (await hookgram(*TO_FILE, "--dry-run")).code == 0


async def test_the_file_can_be_taken_back(hookgram, path):
    assert (await hookgram(*TO_FILE)).code == 0
    refused = await hookgram("dead", "purge", "--all", "--yes")
    assert refused.code == 75
    assert "--give-up" in refused.err
    asked = await hookgram("move", "--from", "sqlite", "--give-up")
    assert asked.code == 2
    assert "goes out once more" in " ".join(asked.err.replace("│", " ").split())
    done = await hookgram("move", "--from", f"sqlite:{path}", "--give-up", "--yes")
    assert done.code == 0, done.err
    assert (await hookgram("dead", "purge", "--all", "--yes")).code == 0


async def test_ends_that_differ_are_shown_and_end_with_a_no(hookgram, url):
    await execute(
        url,
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER lose BEFORE INSERT ON delivery FOR EACH ROW WHEN (new.id = 7)"
        " EXECUTE FUNCTION lose()",
    )
    differing = await hookgram(*TO_FILE)
    assert differing.code == 1
    shown = [line.split() for line in differing.out.splitlines() if line.endswith("differ")]
    assert ["deliveries", "-", "60", "59", "differ"] in shown
    assert "no gateway starts on either" in differing.err
    serving = await hookgram("serve", BOT_TOKEN="123456:AAF0-this_is_a_token_of_the_tests_only")
    assert serving.code == 75


async def test_a_full_database_cuts_it_and_it_goes_on_when_there_is_room(hookgram, url):
    await execute(
        url,
        "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''No space left on device'' USING ERRCODE = ''53100''; END'",
        "CREATE TRIGGER fill BEFORE INSERT ON attempt EXECUTE FUNCTION fill()",
        "CREATE TRIGGER fill BEFORE INSERT ON seen EXECUTE FUNCTION fill()",
    )
    cut = await hookgram(*TO_FILE)
    assert cut.code == 74
    assert "No space left" in cut.err
    assert "Cut at 92 of 126 rows. Give the same command again" in cut.err
    await execute(url, "DROP FUNCTION fill CASCADE")
    assert (await hookgram(*TO_FILE)).code == 0


async def execute(url: str, *statements: str) -> None:
    async with connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "sqlite"), 2, "say where to"),
        (("--from", f"postgres://u:{PASSWORD}@h/db", "--to", "postgres"), 2, "from SQLite to"),
        (("--from", "sqlite:", "--to", "postgres"), 2, "sqlite:PATH"),
        (("--from", "sqlite:///events.db", "--to", "postgres"), 2, "sqlite:PATH"),
        (("--from", "sqlite", "--to", "sqlite:other.db"), 2, "from SQLite to"),
        (("--from", "sqlite", "--to", f"postgres:{PASSWORD}"), 2, "--to postgres for"),
        (("--from", "sqlite", "--to", f"postgres://u:{PASSWORD}@h"), 2, "URL of a PostgreSQL"),
        (("--from", "sqlite", "--to", f"postgres://u:{PASSWORD}@127.0.0.1:1/db"), 74, "not there"),
        (("--from", "sqlite:none.db", "--to", "postgres"), 78, "there is no store at none.db"),
        (("--from", "sqlite:text.txt", "--to", "postgres"), 74, "text.txt"),
        (("--from", "sqlite", "--to", "postgres", "--give-up"), 2, "give only --from"),
        (("--from", "sqlite", "--give-up"), 1, "no move began here"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_to_do(typed, tmp_path, words, code, said):
    ended, told = typed(*words)
    assert ended == code, told
    assert said in " ".join(told.replace("│", " ").split())
    assert PASSWORD not in told
    assert not (tmp_path / "none.db.lock").exists()


async def test_a_database_that_is_not_there_is_told_as_what_was_given(hookgram, url):
    refused = await hookgram("move", "--from", "sqlite", "--to", url.rpartition("/")[0] + "/none")
    assert refused.code == 78
    assert "--to: 127.0.0.1:" in refused.err
    assert "does not exist" in refused.err


def test_a_terminal_of_eighty_columns_shows_a_bar_and_then_what_is_there(path, url):
    words = ("move", "--from", "sqlite", "--to", "postgres")
    terminal = on_terminal(path, 80, *words, DATABASE_URL=url)
    assert "━" in terminal.text
    screen = terminal.screen()
    assert not any("━" in line for line in screen), "the bar went when it was done"
    assert all(len(line) <= 80 for line in screen)
    assert ["waiting", "shop", "29", "29", "ok"] in [line.split() for line in screen]
