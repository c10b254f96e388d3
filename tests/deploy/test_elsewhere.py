"""Checks by tools that no package index has: they run where the tool is, as it is in CI."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_EVERYWHERE = {"systemd-analyze": "only a Linux with systemd has it"}
"""Each tool, and why a machine may lack it. A check is skipped for no other reason."""


@pytest.fixture
def tool():
    def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not here: {NOT_EVERYWHERE[name]}")
        return subprocess.run(
            [path, *words], capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is there: the check wants one."""
    text = (ROOT / "deploy/hookgram.service").read_text()
    copy = tmp_path / "hookgram.service"
    copy.write_text(text.replace("/opt/hookgram/bin/hookgram", sys.executable))
    return copy


def test_systemd_understands_every_line_of_the_unit(tool, unit):
    ran = tool("systemd-analyze", "verify", "--man=no", str(unit))
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_systemd_calls_the_unit_well_shut(tool, unit):
    ran = tool("systemd-analyze", "security", "--offline=true", "--threshold=15", str(unit))
    assert ran.returncode == 0, ran.stdout[-500:]
