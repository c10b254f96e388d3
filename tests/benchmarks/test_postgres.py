"""The rows for PostgreSQL run, on a server of their own that leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bench import Bench
from benchmarks.database import Server
from benchmarks.rows import postgres_end_to_end, postgres_snapshot, postgres_store

LITTLE = 0.002
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a server may have its data that is not run as root; in memory, if there is some."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.mark.parametrize("row", [postgres_store, postgres_end_to_end, postgres_snapshot])
def test_a_row_for_postgresql_is_measured_beside_its_limits(folder, row):
    findings = row.measure(Bench(folder / "data", rounds=1, scale=LITTLE))
    assert {finding.row for finding in findings} == {row.ROW}
    for finding in findings:
        assert finding.ours > 0
        assert finding.held is finding.asked.holds(finding.measured)
        if finding.measure == "ratio":
            assert finding.measured == pytest.approx(finding.ours / finding.limit)
        else:
            assert finding.measured == finding.ours
    assert not list(folder.glob("data/*/postgres-*"))


def test_a_server_ends_with_what_it_was_started_for(folder):
    with Server(folder) as server:
        assert server.ask(server.database(), "SELECT count(*) FROM delivery") == 0
        assert server.ask(server.url("postgres"), "SHOW listen_addresses") == ""
        assert server.ask(server.url("postgres"), "SHOW fsync") == "on"
        assert server.cpu_seconds() > 0
        assert server.memory() > 1
        assert server.log_bytes() > 0
        assert server.room(server.database()) > 0
        [data] = folder.glob("*/data")
        assert data.stat().st_uid != 0
        process = server.process
    assert process.returncode == 0
    assert list(folder.iterdir()) == []
