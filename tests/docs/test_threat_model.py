"""The threat model speaks of this code: its files, its settings, its numbers."""

from __future__ import annotations

import re
from pathlib import Path

from hookgram.channels.http import EXCERPT
from hookgram.channels.wire import MOST_READ
from hookgram.core.redact import SHORTEST
from hookgram.settings.loading import NAMES
from hookgram.web import bodies, connection, ingest, whole

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "THREAT_MODEL.md").read_text().split())


def test_each_file_it_names_is_there():
    named = set(re.findall(r"`([a-z_/]+\.py)`", TEXT))
    assert named
    assert [name for name in named if not (ROOT / "src/hookgram" / name).is_file()] == []


def test_each_setting_it_names_is_one():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", TEXT))
    assert named
    assert named <= set(NAMES)


def test_each_limit_it_names_is_the_codes():
    assert f"heads {whole.LARGEST_HEAD // 1024} KiB" in TEXT
    assert f"{bodies.MOST_WAITING // 1024**2} MiB of bodies at a time" in TEXT
    assert f"head ({connection.HEAD_DEADLINE:.0f} s)" in TEXT
    assert f"body ({ingest.BODY_DEADLINE:.0f} s)" in TEXT
    assert f"commit ({ingest.COMMIT_DEADLINE:.0f} s)" in TEXT
    assert f"{MOST_READ // 1024} KiB of an answer are read" in TEXT
    assert f"the first {EXCERPT // 1024} KiB are kept" in TEXT
    assert SHORTEST == 4
    assert "fewer than four characters" in TEXT


def test_the_proxys_patience_is_longer_than_ours():
    """Else its answer comes before ours, and a commit that was slow is told as its own failure."""
    page = (ROOT / "docs/how-to/deploy/proxy.md").read_text()
    [patience] = re.findall(r"proxy_read_timeout (\d+)s;", page)
    assert int(patience) > ingest.BODY_DEADLINE + ingest.COMMIT_DEADLINE
