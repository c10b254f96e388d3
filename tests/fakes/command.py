"""A command as a real process, beside whatever runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any


class Ended:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

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
    return Ended(process.returncode or 0, out.decode(), err.decode())
