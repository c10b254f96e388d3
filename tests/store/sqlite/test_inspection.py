"""A look at a store from outside: it sees what is there, and changes and holds up nothing."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from hookgram.core.doctor.platform import Platform
from hookgram.store.sqlite import hold, open_sqlite
from hookgram.store.sqlite.inspection import inspect_disk, inspect_store
from store.makers import HandClock, bury, claim_one, owe, register


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def test_a_store_that_is_not_there_is_not_made(path):
    facts = inspect_store(path)
    assert not facts.exists
    assert facts.sqlite
    assert not facts.sqlite_old
    assert list(path.parent.iterdir()) == []


async def test_it_reads_schema_size_targets_and_counts_while_the_store_is_open(path):
    store = await open_sqlite(path, clock=HandClock())
    try:
        [target] = await register(store, "shop")
        await owe(store, target)
        await owe(store, target)
        await bury(store, await claim_one(store, target))
        facts = await asyncio.to_thread(inspect_store, path)
    finally:
        await store.close()
    assert (facts.exists, facts.ours, facts.trouble) == (True, True, None)
    assert facts.schema == facts.known_schema > 0
    assert facts.size > 0
    assert facts.targets == ("shop",)
    assert (facts.counts["shop", "created"], facts.counts["shop", "dead"]) == (2, 1)


async def test_it_tells_who_works_on_the_store_and_leaves_the_lock_free(path):
    await (await open_sqlite(path, clock=HandClock())).close()
    assert inspect_store(path).holder is None
    assert not Path(f"{path}.lock").exists()
    with hold(path):
        holder = inspect_store(path).holder
        assert holder is not None
        assert Path(f"/proc/{holder}").exists()
        assert inspect_store(path).holder == holder
    with hold(path):
        pass


async def test_what_a_killed_gateway_left_in_its_log_is_read_and_left_alone(path, tmp_path):
    store = await open_sqlite(path, clock=HandClock())
    try:
        [target] = await register(store, "shop")
        await owe(store, target)
        left = tmp_path / "left"
        left.mkdir()
        parts = [shutil.copy(f"{path}{end}", left) for end in ("", "-wal")]
    finally:
        await store.close()
    before = [Path(part).read_bytes() for part in parts]
    assert inspect_store(left / "events.db").counts["shop", "created"] == 1
    assert [Path(part).read_bytes() for part in parts] == before


async def test_a_newer_schema_is_told(path):
    await (await open_sqlite(path, clock=HandClock())).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    facts = inspect_store(path)
    assert (facts.schema, facts.trouble) == (999, None)
    assert facts.known_schema < 999


def test_a_file_of_somebody_elses_is_not_ours(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    assert not inspect_store(path).ours


def test_an_empty_file_is_a_store_to_be(path):
    path.touch()
    facts = inspect_store(path)
    assert (facts.ours, facts.schema, facts.trouble) == (True, 0, None)


def test_what_is_no_database_is_a_trouble(path):
    path.write_bytes(b"this is no database, " * 1000)
    assert inspect_store(path).trouble is not None


def test_a_disk_is_written_to_and_left_as_it_was(path):
    disk = inspect_disk(path, platform=Platform.FLY)
    assert disk.unwritable is None
    assert disk.sync is not None
    assert disk.free > 0
    assert disk.platform is Platform.FLY
    assert list(path.parent.iterdir()) == []


def test_folders_still_to_be_made_are_not_made(path):
    disk = inspect_disk(path.parent / "a" / "b" / "events.db", platform=Platform.MACHINE)
    assert (disk.unwritable, disk.sync) == (None, None)
    assert list(path.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told():
    disk = inspect_disk(Path("/proc/events.db"), platform=Platform.MACHINE)
    assert disk.unwritable is not None
    assert "folder may not be written" in disk.unwritable
    assert (disk.mount, disk.kind) == ("/proc", "proc")


def test_memory_is_told_from_a_disk():
    disk = inspect_disk(Path("/dev/shm/hookgram-no-such/events.db"), platform=Platform.MACHINE)  # noqa: S108
    assert (disk.mount, disk.kind, disk.networked) == ("/dev/shm", "tmpfs", None)  # noqa: S108
