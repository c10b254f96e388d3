"""A power cut: what was acknowledged is on stable storage, and the test can tell."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.gateway import Process

SOURCE = Path(__file__).parents[1] / "fakes" / "power_cut.c"
BROKEN = SOURCE.with_name("broken.py")
CUTS = 3


@pytest.fixture(scope="session")
def shim(tmp_path_factory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "power_cut.so"
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "the power cut needs a C compiler (Debian: apt-get install gcc)"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"],
        check=True,
        timeout=60,
    )
    return library


async def post_until(process: Process, enough: int, acknowledged: set[int], *, first: int) -> None:
    """Post single updates by eight senders at once until so many are acknowledged."""
    numbers = iter(range(first, first + 100_000))

    async def sender() -> None:
        while len(acknowledged) < enough:
            number = next(numbers)
            body = b'{"update_id":%d,\n"message":{"chat":{"id":%d},"date":1}}' % (
                number,
                number % 50,
            )
            if await process.post(body) == 200:
                acknowledged.add(number)

    async with asyncio.timeout(60), asyncio.TaskGroup() as senders:
        for _ in range(8):
            senders.create_task(sender())


def stored(database: Path) -> tuple[str, set[int], int]:
    """Open what survived: whether it is intact, its updates, how many lack a delivery."""
    with sqlite3.connect(database) as connection:
        intact = connection.execute("PRAGMA integrity_check").fetchone()[0]
        updates = {row[0] for row in connection.execute("SELECT update_id FROM event")}
        bare = connection.execute(
            "SELECT count(*) FROM event WHERE seq NOT IN (SELECT event_seq FROM delivery)"
        ).fetchone()[0]
    connection.close()
    return intact, updates, bare


async def lose_power(
    folder: Path, shim: Path, *, command: list[str] | None = None
) -> tuple[set[int], set[int], str, int]:
    """Run under load, cut the power; tell acknowledged, survived, integrity, bare events."""
    shadow = folder / "shadow"
    shadow.mkdir(parents=True)
    process = Process(folder, command=command, TARGET_WEBHOOK_URL="http://127.0.0.1:9/never")
    process.env |= {
        "LD_PRELOAD": str(shim),
        "DURA_DIR": str(folder / "data"),
        "DURA_SHADOW": str(shadow),
    }
    acknowledged: set[int] = set()
    await process.start()
    assert await process.stop() == 0  # the schema is on the disk by now, whatever is lost later
    await process.start()
    try:
        await post_until(process, 300, acknowledged, first=1000)
    finally:
        await process.cut()
    intact, survived, bare = stored(shadow / "events.db")
    return acknowledged, survived, intact, bare


@pytest.mark.parametrize("cut", range(CUTS))
async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path, shim, cut):
    acknowledged, survived, intact, bare = await lose_power(tmp_path, shim)
    assert len(acknowledged) >= 300
    assert intact == "ok"
    assert acknowledged - survived == set()
    assert bare == 0


async def test_the_power_cut_bites_with_synchronous_normal(tmp_path, shim):
    command = [sys.executable, "-P", str(BROKEN), "synchronous_normal", "serve"]
    acknowledged, survived, intact, _ = await lose_power(tmp_path, shim, command=command)
    assert intact == "ok"
    assert acknowledged - survived, (
        "with NORMAL the cut must lose updates, or this test proves nothing"
    )
