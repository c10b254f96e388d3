"""The store's file: how it is opened, what it is made of, who may hold it."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
from importlib.resources import files
from pathlib import Path, PurePosixPath

import apsw
import pytest

from hookgram.errors import (
    SchemaMismatch,
    SettingsError,
    StoreBroken,
    StoreInUse,
    StoreMissing,
    StoreUnavailable,
)
from hookgram.store.migrations import Migration, outstanding, read_migrations
from hookgram.store.named_sql import read_statements
from hookgram.store.sqlite import (
    SqliteStore,
    connection,
    file_system,
    hold,
    open_sqlite,
    open_sqlite_journal,
)
from hookgram.store.sqlite.connection import Opening, open_reader, open_writer
from hookgram.store.sqlite.file_system import networked_kind
from store.makers import HandClock, accept, arrival, definition, owed, register


def test_commits_are_durable_and_the_log_is_ours(path: Path):
    db = open_writer(Opening(path=path))
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
        "mmap_size": 0,
        "user_version": len(connection.MIGRATIONS),
    }
    assert {name: db.pragma(name) for name in expected} == expected
    assert apsw.SQLITE_VERSION_NUMBER >= 3_051_003
    db.close()


def test_a_reader_cannot_write(path: Path):
    open_writer(Opening(path=path)).close()
    db = open_reader(Opening(path=path))
    with pytest.raises(apsw.ReadOnlyError):
        db.execute("DELETE FROM event")
    db.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_taken_away_while_it_is_open_breaks_the_store(
    path: Path, clock: HandClock, replaced: bool
):
    store = await open_sqlite(path, clock=clock)
    await register(store, "one")
    path.unlink()
    if replaced:
        path.touch()
    with pytest.raises(StoreBroken, match="removed or replaced"):
        await probe_on(store)
    await store.close()


async def probe_on(store: SqliteStore) -> None:
    async with asyncio.timeout(10):
        while True:
            await store.probe()


def test_a_lock_that_cannot_be_written_says_of_which_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreBroken, match=r"events\.db.*No space left"), hold(path):
        pass


def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apsw, "SQLITE_VERSION_NUMBER", 3_051_002)
    with pytest.raises(StoreBroken, match=r"3\.51\.3"):
        open_writer(Opening(path=path))


async def test_folders_are_made_and_only_the_owner_reads(tmp_path: Path, clock: HandClock):
    path = tmp_path / "deep" / "er" / "events.db"
    store = await open_sqlite(path, clock=clock)
    await accept(store, arrival())
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await store.close()


async def test_what_cannot_be_opened_says_which_file(tmp_path: Path, clock: HandClock):
    (tmp_path / "file").write_text("not a folder")
    for path in (tmp_path / "file" / "events.db", tmp_path):
        with pytest.raises(StoreBroken, match=r"file|pytest"):
            await open_sqlite(path, clock=clock)


async def test_a_file_that_is_no_database_is_refused(path: Path, clock: HandClock):
    path.write_bytes(b"hello " * 1_000)
    with pytest.raises(StoreBroken, match=r"events\.db"):
        await open_sqlite(path, clock=clock)
    assert path.read_bytes() == b"hello " * 1_000


async def test_somebody_elses_database_is_refused_and_left_alone(path: Path, clock: HandClock):
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE events (id)")
    with pytest.raises(SchemaMismatch):
        await open_sqlite(path, clock=clock)
    assert [name for (name,) in other.execute("SELECT name FROM sqlite_schema")] == ["events"]
    assert other.pragma("journal_mode") == "delete"
    other.close()


async def test_a_newer_schema_is_refused_and_left_alone(path: Path, clock: HandClock):
    newer = open_writer(Opening(path=path))
    newer.pragma("user_version", 99)
    newer.close()
    with pytest.raises(SchemaMismatch, match="99"):
        await open_sqlite(path, clock=clock)


async def test_a_migration_that_is_cut_leaves_what_was_before(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
):
    before = await open_sqlite(path, clock=clock)
    await accept(before, arrival())
    await before.close()
    ours = connection.MIGRATIONS
    good = Migration(len(ours) + 1, "good.sql", "ALTER TABLE bot ADD COLUMN note TEXT;")
    cut = Migration(len(ours) + 2, "cut.sql", "CREATE TABLE half (id); SELECT * FROM nowhere;")
    monkeypatch.setattr(connection, "MIGRATIONS", (*ours, good, cut))
    with pytest.raises(StoreBroken, match="nowhere"):
        await open_sqlite(path, clock=clock)
    db = apsw.Connection(str(path))
    assert db.pragma("user_version") == good.number
    assert not db.table_exists("main", "half")
    db.close()
    monkeypatch.setattr(connection, "MIGRATIONS", (*ours, good))
    after = await open_sqlite(path, clock=clock)
    assert (await after.counts())["", "accepted"] == 1
    await after.close()


def test_each_migration_runs_once_and_in_order():
    steps = (Migration(1, "a", ""), Migration(2, "b", ""))
    assert list(outstanding(steps, 0)) == list(steps)
    assert list(outstanding(steps, 1)) == [steps[1]]
    assert list(outstanding(steps, 2)) == []
    with pytest.raises(SchemaMismatch):
        outstanding(steps, 3)


def test_migrations_are_numbered_without_a_gap(tmp_path: Path):
    for name in ("0001_a.sql", "0003_b.sql", "notes.txt"):
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(ValueError, match="0003_b"):
        read_migrations(tmp_path)
    (tmp_path / "0003_b.sql").rename(tmp_path / "0002_b.sql")
    assert [step.name for step in read_migrations(tmp_path)] == ["0001_a.sql", "0002_b.sql"]


def test_statements_are_read_by_name_without_their_comments(tmp_path: Path):
    file = tmp_path / "q.sql"
    file.write_text("-- About\n-- name: one\n-- why\nSELECT 1\n\n-- name: two\nSELECT 2\n  AS x\n")
    assert read_statements(file) == {"one": "SELECT 1", "two": "SELECT 2\n  AS x"}
    file.write_text("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n")
    with pytest.raises(ValueError, match="one"):
        read_statements(file)


def test_no_sql_stands_in_python():
    folder = files("hookgram.store")
    words = ("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "PRAGMA ", "BEGIN ", "CREATE ")
    for file in Path(str(folder)).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert [word for word in words if word in text.replace("BEGIN … COMMIT", "")] == [], file


async def test_secrets_and_urls_are_not_written_down(path: Path, clock: HandClock):
    store = await open_sqlite(path, clock=clock)
    await store.register(
        [
            definition(
                "shop",
                urls=("https://al1ce:pa55word@shop.example.com:8443/hook/t0ken?key=va1ue",),
                secrets=("whsec_s3cret",),
                bots=frozenset({42}),
            )
        ]
    )
    await store.close()
    text = path.read_bytes()
    for secret in (b"al1ce", b"pa55word", b"t0ken", b"va1ue", b"s3cret"):
        assert secret not in text
    assert b"shop.example.com" in text


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/vol /mnt/nfs nfs4 rw 0 0
//box/share /mnt/with\\040space cifs rw 0 0
s3fs /data/bucket fuse.s3fs rw 0 0
overlay /rootless fuse.fuse-overlayfs rw 0 0
/dev/sdb1 /mnt/nfs/local ext4 rw 0 0
tmpfs /over tmpfs rw 0 0
host /over 9p rw 0 0
/dev/sdc1 /ntfs fuseblk rw 0 0
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/events.db", None),
        ("/mnt/nfs/events.db", "nfs4"),
        ("/mnt/nfsx/events.db", None),
        ("/mnt/with space/a/events.db", "cifs"),
        ("/data/bucket/events.db", "fuse.s3fs"),
        ("/rootless/events.db", None),
        ("/mnt/nfs/local/events.db", None),
        ("/over/events.db", "9p"),
        ("/ntfs/events.db", None),
    ],
)
def test_a_network_file_system_is_told_by_the_deepest_and_latest_mount(path: str, kind: str | None):
    assert networked_kind(PurePosixPath(path), MOUNTS) == kind


async def test_a_network_file_system_is_refused(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/v {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(file_system, "MOUNTS", mounts)
    with pytest.raises(SettingsError, match="nfs"):
        await open_sqlite(tmp_path / "events.db", clock=clock)
    assert not (tmp_path / "events.db").exists()
    mounts.unlink()
    store = await open_sqlite(tmp_path / "events.db", clock=clock)
    await store.close()


HOLDER = """
import sys
from pathlib import Path
from hookgram.store.sqlite import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_gateway_is_told_who_holds_the_store(path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreInUse, match=str(holder.pid)), hold(path):
            pass
        holder.kill()
    with hold(path):
        assert Path(f"{path}.lock").exists()


def test_another_name_of_the_same_file_is_the_same_lock(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real, link = tmp_path / "real" / "e.db", tmp_path / "link" / "e.db"
    with hold(real), pytest.raises(StoreInUse), hold(link):
        pass
    with hold(link):
        pass


async def test_no_other_command_needs_the_lock(path: Path, clock: HandClock):
    with hold(path):
        store = await open_sqlite(path, clock=clock)
        await register(store, "shop")
        await store.close()


async def test_looking_or_ordering_makes_no_store(tmp_path: Path, clock: HandClock):
    for path in (tmp_path / "none" / "events.db", tmp_path / "events.db"):
        with pytest.raises(StoreMissing, match=r"no store at .*events\.db"):
            await open_sqlite_journal(path)
        with pytest.raises(StoreMissing):
            await open_sqlite(path, clock=clock, existing=True)
    assert list(tmp_path.iterdir()) == []


async def test_an_empty_file_is_no_store_yet(path: Path, clock: HandClock):
    path.touch()
    with pytest.raises(StoreMissing):
        await open_sqlite_journal(path)
    with pytest.raises(StoreMissing):
        await open_sqlite(path, clock=clock, existing=True)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("version", [1, 99])
async def test_a_command_leaves_another_schema_as_it_is(path: Path, clock: HandClock, version: int):
    other = open_writer(Opening(path=path))
    other.pragma("user_version", version)
    other.close()
    with pytest.raises(SchemaMismatch, match=str(version)):
        await open_sqlite_journal(path)
    with pytest.raises(SchemaMismatch, match=str(version)):
        await open_sqlite(path, clock=clock, existing=True)
    db = apsw.Connection(str(path))
    assert db.pragma("user_version") == version
    db.close()


async def test_somebody_elses_database_is_no_store_to_look_at(path: Path):
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE events (id)")
    other.close()
    with pytest.raises(SchemaMismatch, match="something else"):
        await open_sqlite_journal(path)


async def test_a_journal_sees_what_a_store_commits_and_changes_nothing(
    path: Path, clock: HandClock
):
    store = await open_sqlite(path, clock=clock)
    journal = await open_sqlite_journal(path)
    [shop] = await register(store, "shop")
    await accept(store, arrival(owed(shop)))
    assert [row.target for row in await journal.deliveries()] == ["shop"]
    await journal.close()
    with pytest.raises(StoreUnavailable):
        await journal.counts()
    await store.close()


async def test_an_older_store_gets_what_listings_need(path: Path, clock: HandClock, monkeypatch):
    ours = connection.MIGRATIONS
    monkeypatch.setattr(connection, "MIGRATIONS", ours[:1])
    open_writer(Opening(path=path)).close()
    monkeypatch.setattr(connection, "MIGRATIONS", ours)
    store = await open_sqlite(path, clock=clock)
    await register(store, "shop")
    assert [row.state for row in await store.targets()] == ["ok"]
    await store.close()


async def test_a_command_leaves_the_log_to_the_owner(path: Path, clock: HandClock):
    owner = await open_sqlite(path, clock=clock)
    [shop] = await register(owner, "shop")
    beside = await open_sqlite(path, clock=clock, existing=True)
    await accept(beside, *(arrival(owed(shop), body=b"x" * 10_000) for _ in range(500)))
    log = path.with_name("events.db-wal")
    assert log.stat().st_size > 1_000 * 4_096
    await beside.checkpoint()
    await beside.close()
    assert log.stat().st_size > 1_000 * 4_096
    await owner.probe()
    await owner.close()
    assert not log.exists() or log.stat().st_size == 0
