"""Each command line of our pages is run, in a folder with a store; what cannot be says why."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import typer

from docs.console import PAGES, ROOT, lines, name_of
from fakes.gateway import Process
from fakes.postgres import running
from hookgram.cli.main import cli
from hookgram.demo.journal import Journal
from hookgram.demo.receiver import Receiver, Response
from hookgram.demo.samples import updates

TOOLS = (
    "docker|podman|flyctl|fly|railway|render|systemctl|journalctl|apt|apt-get|brew|git|gh|ssh|scp|"
    "useradd|install|cloudflared|ngrok|tailscale|caddy|nginx"
)
NOT_RUN = {
    r"curl .*https://api\.telegram\.org": "asks Telegram",
    r"hookgram (doctor|webhook)\b(?!.*--no-network)": "asks Telegram; its own tests do",
    r"hookgram demo\b": "takes its time; its own tests do",
    r"make [a-z]+": "runs this suite, or for ever; that the target exists is looked at",
    r"(\S+/)?pip3? |python3? -m (venv|pip)|uv |pipx ": "asks a package index",
    rf"(sudo )?({TOOLS})\b": "needs another machine, or this one's administrator",
    r".*\s/(etc|var|opt)/": "needs this machine's administrator",
}
"""The only reasons for which a documented line is not run here."""
MAY_SAY_NO = re.compile(r"hookgram (doctor|events|dead|targets|chats)\b")
"""What ends with 1 when it finds something, or does not find what a page made up: an answer too."""
ELSEWHERE = {
    "docs/tutorial/first-gateway.md": "tests/docs/test_tutorial.py",
    "docs/tutorial/first-hour.md": "tests/cli/test_demo.py",
}
"""Pages that a test of their own follows from the first line to the last."""

FOLLOWED = [page for page in PAGES if lines(page) and name_of(page) not in ELSEWHERE]


def reason(line: str) -> str | None:
    return next((why for rule, why in NOT_RUN.items() if re.match(rule, at_hand(line))), None)


def at_hand(line: str) -> str:
    """Return the line with the program of this environment, wherever the page has it."""
    return re.sub(r"^\S*/bin/(?=\w)", "", line)


def words_of(line: str) -> list[str] | None:
    """Return what follows ``hookgram`` on the line, if it is that command."""
    words = shlex.split(line)
    return words[1:] if Path(words[0]).name == "hookgram" else None


class Place:
    """A folder as one of our readers has it: settings, a store with content, the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".venv").symlink_to(sys.prefix)
        shutil.copy(ROOT / ".env.example", folder)
        shutil.copy(ROOT / ".env.example", folder / ".env")
        self.gateway = Process(
            folder, SQLITE_PATH="events.db", MAX_RETRIES="0", BREAKER_FAILURES="0"
        )
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.gateway.env |= {"PATH": path, "USER": "reader"}

    async def fill(self) -> None:
        """Leave one delivered update and one dead letter in the store."""
        answers = iter((Response(status=204, body=b""), Response(status=500)))
        with contextlib.closing(Journal(self.folder / "journal")) as journal:
            target = Receiver("target", journal, behaviour=lambda _: next(answers))
            async with target:
                self.gateway.env["TARGET_WEBHOOK_URL"] = target.url
                await self.gateway.start()
                for body, _ in zip(updates(chats=1), range(2), strict=False):
                    assert await self.gateway.post(body) == 200
                await self.gateway.until(self._empty)
        assert await self.gateway.stop() == 0

    async def _empty(self) -> bool:
        figures = (await self.gateway.get("/stats"))[1]
        return (figures["delivered"], figures["dead"], figures["queued"]) == (1, 1, 0)

    async def run(self, line: str) -> None:
        """Run one line as a reader would; it ends well, or ``serve`` becomes ready."""
        if (words_of(line) or [""])[0] == "serve":
            await self.serve(line)
            return
        if "127.0.0.1:8000" in line and not self.gateway.running:
            await self.gateway.start()
        typed = at_hand(line).replace(":8000", f":{self.gateway.port}")
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-ec", f"trap 'env -0 > .env-after' EXIT\n{typed}"),
            cwd=self.folder,
            env=self.gateway.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(40):
            said, _ = await shell.communicate()
        fine = {0, 1} if MAY_SAY_NO.match(typed) else {0}
        assert shell.returncode in fine, f"{line}\n{said.decode()}"
        after = (self.folder / ".env-after").read_text().split("\0")
        self.gateway.env = dict(pair.split("=", 1) for pair in after if pair)

    async def serve(self, line: str) -> None:
        """Start the gateway with the line's options, on a port that is free."""
        await self.land()
        words = re.sub(r"--port \d+", f"--port {self.gateway.port}", line).split()
        self.gateway.command = [sys.executable, "-m", "hookgram", *words[1:]]
        await self.gateway.start()

    async def land(self) -> None:
        """Stop the gateway, if it runs."""
        if self.gateway.running:
            assert await self.gateway.stop() == 0


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store's file with content, made once."""
    folder = tmp_path_factory.mktemp("filled")
    asyncio.run(Place(folder).fill())
    return folder / "events.db"


@pytest.fixture
async def place(tmp_path, filled):
    shutil.copy(filled, tmp_path)
    place = Place(tmp_path)
    yield place
    if place.gateway.running:
        await place.gateway.kill()


@contextlib.asynccontextmanager
async def database_for(page: Path):
    """An empty database, for a page that fills one."""
    if not any("--to postgres" in line for line in lines(page)):
        yield {}
        return
    name = await running().database(template="template0")
    yield {"DATABASE_URL": running().url(name)}
    await running().drop(name)


@pytest.mark.parametrize("page", FOLLOWED, ids=name_of)
async def test_the_commands_of_a_page_do_what_it_says_one_after_another(page, place):
    async with database_for(page) as variables:
        place.gateway.env |= variables
        for line in lines(page):
            if reason(line) is None:
                await place.run(line)
        await place.land()


CALLS = re.compile(r"(?:^|[\s/])hookgram (?!hookgram\b)([a-z]+(?![\w.])[^\"]*)")
ALL_WORDS = sorted({(line, name_of(page)) for page in PAGES for line in lines(page)})


ALL_CALLS = [(called[1], page) for line, page in ALL_WORDS if (called := CALLS.search(line))]


@pytest.mark.parametrize(("called", "page"), ALL_CALLS)
def test_each_hookgram_command_is_one_with_these_options(called, page):
    command, words = typer.main.get_command(cli), shlex.split(called)
    while commands := getattr(command, "commands", None):
        command, words = commands[words[0]], words[1:]
    command.make_context(called, words)  # raises what it does not understand


def test_each_make_target_of_our_pages_exists():
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line, _ in ALL_WORDS if line.startswith("make ")}
    assert named
    assert named <= made


def test_pages_with_a_test_of_their_own_have_it():
    for page, test in ELSEWHERE.items():
        assert (ROOT / test).is_file() or not (ROOT / page).exists()
