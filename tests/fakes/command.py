"""A command as a real process, beside whatever runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from fakes.terminal import Terminal


class Ended:
    """What a command left behind."""

    def __init__(self, code: int, raw: bytes, err: bytes) -> None:
        self.code = code
        self.raw = raw
        self.err = err.decode()

    @property
    def out(self) -> str:
        """What it printed."""
        return self.raw.decode()

    @property
    def document(self) -> Any:
        """The one JSON document that it printed."""
        assert self.code == 0, self.err
        return json.loads(self.out)


async def command(folder: Path, *words: str, **variables: str) -> Ended:
    """Run it with these variables and nothing of the machine's; nobody answers its questions."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    plain = {"HOME": str(folder), "PYTHONWARNINGS": "error", "PYTHONUTF8": "1", "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hookgram", *words),
        env=kept | plain | variables,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out, err)


def on_terminal(
    path: Path, columns: int, *words: str, typed: bytes = b"", code: int = 0, **variables: str
) -> Terminal:
    """Run it on a terminal of so many columns, where somebody types, to its end."""
    terminal = Terminal(
        [sys.executable, "-m", "hookgram", *words],
        columns,
        24,
        env={
            "TERM": "xterm",
            "HOME": str(path.parent),
            "PYTHONUTF8": "1",
            "SQLITE_PATH": str(path),
            **variables,
        },
        cwd=path.parent,
    )
    terminal.type(typed)
    assert terminal.ended(60) == code, terminal.text
    return terminal
