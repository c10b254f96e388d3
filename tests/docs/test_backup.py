"""The backup that our page describes, of a gateway that works."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import islice
from pathlib import Path

import apsw

from docs.console import ROOT, lines
from fakes.gateway import gateway
from hookgram.demo.samples import updates

PAGE = ROOT / "docs/how-to/back-up.md"


async def type_line(line: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-ec", line.replace(".venv/bin/", "")),
        cwd=folder,
        env={"PATH": path, "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await shell.communicate()
    assert shell.returncode == 0, line
    return said.decode()


async def test_a_copy_of_a_working_gateways_store_is_sound_and_whole(tmp_path):
    copy, look = lines(PAGE)[:2]
    async with gateway(tmp_path, SQLITE_PATH=str(tmp_path / "events.db")) as process:
        first, others = islice(updates(seed=1), 60), islice(updates(seed=2, first=500_000), 60)
        for body in first:
            assert await process.post(body) == 200

        async def more() -> None:
            for body in others:
                assert await process.post(body) == 200

        going_on = asyncio.create_task(more())
        await type_line(copy, tmp_path)
        await going_on
        assert await type_line(look, tmp_path) == "ok\n"
        assert (await process.get("/stats"))[1]["accepted"] == 120
    db = apsw.Connection(str(tmp_path / "backup.db"))
    [[kept]] = db.execute("SELECT count(*) FROM event")
    db.close()
    assert 60 <= kept <= 120
