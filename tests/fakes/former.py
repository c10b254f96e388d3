"""hookgram as it was before its last migrations, to work beside the one of today.

Its source is ``tests/data/former.tar.xz``, whole and unchanged, made by
``git archive --format=tar 2773f8c0a7e8d78397ebded93a93a6668124340a -- src/hookgram | xz -9e``.
Make it anew from a release when the oldest release that may be upgraded from is a later one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tarfile
from importlib.resources import files
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "data" / "former.tar.xz"
ROWS = Path(__file__).with_name("former_rows.py")


def unpack(folder: Path) -> Path:
    """Put the former source into *folder* and return what goes into PYTHONPATH."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def version(backend: str, source: Path | None = None) -> int:
    """Tell which version of the schema the source knows; without one, today's."""
    package = files("hookgram") if source is None else source / "hookgram"
    steps = package / "store" / backend / "migrations"
    return sum(step.name.endswith(".sql") for step in steps.iterdir())


async def fill(source: Path, backend: str, place: str) -> bytes:
    """Have the former hookgram make a store at *place* with something of everything in it.

    Returns what it says of it (see ``former_rows.py``).
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROWS), backend, place),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source)},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return told
