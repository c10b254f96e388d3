"""A file of the former version that is being brought up to date when the process is killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import apsw

from fakes import former
from hookgram.store.sqlite import open_sqlite
from hookgram.store.sqlite.connection import MIGRATIONS
from store.makers import HandClock

KILLED = """
import itertools, os, shutil, signal, sys
from pathlib import Path
from hookgram.store.sqlite import connection

connect = connection._connect
place = Path(sys.argv[1])

def connect_to_die(opening):
    db = connect(opening)
    begun = []

    def look(_, sql, __):
        if begun or sql.startswith("BEGIN"):
            begun.append(sql)
        if len(begun) > last:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    db.exec_trace = look
    return db

connection._connect = connect_to_die
for last in itertools.count():
    path = place.with_name(f"{last}.db")
    shutil.copy(place, path)
    child = os.fork()
    if not child:
        connection.open_writer(connection.Opening(path=path))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(last)
"""


async def test_killed_at_any_statement_of_a_migration_nothing_is_missing(
    path: Path, source: Path, clock: HandClock
):
    told = json.loads(await former.fill(source, "sqlite", str(path)))
    statements = await killed_at_each_statement(path)
    assert statements > 2 * (len(MIGRATIONS) - former.version("sqlite", source))
    seen = set()
    for last in range(statements + 1):
        one = path.with_name(f"{last}.db")
        seen.add(version_of(one))
        store = await open_sqlite(one, clock=clock)
        counts = sorted([*key, value] for key, value in (await store.counts()).items())
        rows = [row.delivery_id for row in await store.deliveries(limit=100)]
        assert (counts, rows) == (told["counts"], [row[0] for row in told["rows"]])
        await store.close()
        assert version_of(one) == len(MIGRATIONS)
    assert seen == {*range(former.version("sqlite", source), len(MIGRATIONS) + 1)}


async def killed_at_each_statement(path: Path) -> int:
    """Leave a copy killed before the first statement, the second, …; return how many there are."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(path)), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return int(told)


def version_of(path: Path) -> int:
    """Read the schema's version from a copy: reading would tidy up what a kill left."""
    copy = path.with_name("copy.db")
    for end in ("", "-wal"):
        if Path(f"{path}{end}").exists():
            shutil.copy(f"{path}{end}", f"{copy}{end}")
    db = apsw.Connection(str(copy))
    version = int(db.pragma("user_version"))
    db.close()
    for left in copy.parent.glob("copy.db*"):
        left.unlink()
    return version
