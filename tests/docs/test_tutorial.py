"""The tutorial, followed from its first line to its last, keeps what it says."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys

import pytest

from docs.console import ROOT, blocks, lines
from fakes.gateway import Process, free_port

PAGE = ROOT / "docs/tutorial/first-gateway.md"


class Learner:
    """A folder, two terminals with programs in them, and a third to type in."""

    def __init__(self, folder):
        self.folder = folder
        (folder / ".venv").symlink_to(sys.prefix)
        self.ports = {"8000": str(free_port()), "9000": str(free_port())}
        self.gateway = Process(folder)
        kept = {name: self.gateway.env[name] for name in ("PATH", "HOME")}
        self.gateway.env = {**kept, "PORT": self.ports["8000"]}
        self.gateway.port = int(self.ports["8000"])
        self.typed = iter(lines(PAGE))

    def write(self, name, text):
        for said, port in self.ports.items():
            text = text.replace(said, port)
        (self.folder / name).write_text(text)

    async def start(self, line):
        words = line.replace("python3", sys.executable).split()
        log = (self.folder / "receiver.log").open("ab")
        with log:
            return await asyncio.create_subprocess_exec(*words, cwd=self.folder, stdout=log)

    async def type(self, line):
        for said, port in self.ports.items():
            line = line.replace(f":{said}", f":{port}")
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-ec", line), cwd=self.folder, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await shell.communicate()
        assert shell.returncode == 0, line
        return said.decode()

    def next(self, expected):
        line = next(self.typed)
        assert re.search(expected, line), f"the tutorial says {line!r} where {expected!r} was"
        return line

    def received(self, text):
        printed = (self.folder / "receiver.log").read_text().splitlines()
        return sum(text in line for line in printed)

    def said(self, text):
        return lambda: text in self.gateway.log()


@pytest.fixture
async def learner(tmp_path):
    learner = Learner(tmp_path)
    [receiver], [settings] = blocks(PAGE, "python"), blocks(PAGE, "ini")
    learner.write("receiver.py", receiver)
    learner.write(".env", settings)
    yield learner
    if learner.gateway.running:
        await learner.gateway.kill()


async def end(process):
    """Press Ctrl+C; what was started with that signal ignored, as below nohup, is killed."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def test_the_tutorial_does_what_it_says(learner):
    gateway = learner.gateway
    for expected in ("-m venv", "pip install -r", "pip install --no-deps"):
        learner.next(expected)
    listening, serving = r"^python3 receiver\.py$", r"^\.venv/bin/hookgram serve$"
    receiver = await learner.start(learner.next(listening))
    try:
        learner.next(serving)
        await gateway.start()
        await gateway.until(learner.said("🟢 WORKER STARTED for target"))

        post = learner.next('"update_id":1')
        assert await learner.type(post) == '{"ok":true}'
        await gateway.until(learner.said("✅ Sent event 1 → target"))
        assert learner.received("hello") == 1
        assert await learner.type(post) == '{"ok":true}'

        await end(receiver)
        assert await learner.type(learner.next("are you there")) == '{"ok":true}'
        await gateway.until(learner.said("🔁 Retry 1 for event 2"))
        assert '"queued":1' in await learner.type(learner.next("/stats$"))

        await learner.type(learner.next("^kill -9"))
        await gateway.ended()
        receiver = await learner.start(learner.next(listening))
        learner.next(serving)
        await gateway.start()
        await gateway.until(learner.said("✅ Sent event 2"))
        assert learner.received("are you there?") == 1
        assert learner.received("hello") == 1, "the repeated update was delivered again"
        assert await gateway.stop() == 0
    finally:
        await end(receiver)
    await learner.type(learner.next("^rm "))
    left = {path.name for path in learner.folder.iterdir()}
    assert left <= {".venv", "gateway.log", "receiver.log"}
    assert next(learner.typed, None) is None
