"""The processes of a measurement: started, asked, watched and ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from benchmarks.processes.load import SECRET, Plan, Posted
from benchmarks.processes.sink import Received

PATIENCE = 120.0
"""Seconds that anything may take at most."""

MIB = 1024 * 1024


class Child:
    """A program of ``benchmarks.processes`` that prints its port when it listens."""

    def __init__(self, program: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"benchmarks.processes.{program}", *arguments]
        self.process = subprocess.Popen(  # noqa: S603  (ours)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.port = int(line(self.process.stdout))
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        end(self.process)


class Sink(Child):
    """A target that answers."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__("sink", str(delay))

    def wait(self, count: int, seconds: float = PATIENCE) -> Received:
        """Wait until so many different updates have come."""
        received = self._ask(f"wait {count} {seconds}")
        if len(received.arrived_at) < count:
            raise RuntimeError(f"{len(received.arrived_at)} of {count} updates were delivered")
        return received

    def forget(self) -> None:
        """Begin anew."""
        self._ask("forget")

    def _ask(self, order: str) -> Received:
        assert self.process.stdin is not None  # noqa: S101  (a pipe, see above)
        self.process.stdin.write(order.encode() + b"\n")
        self.process.stdin.flush()
        return msgspec.json.decode(line(self.process.stdout), type=Received)


class Gateway:
    """``hookgram serve``, as it would be run; its log goes to a file. *folder* holds its data."""

    def __init__(
        self, folder: Path, targets: Sequence[str], *, program: Sequence[str] = (), **settings: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
        self._log = folder / "gateway.log"
        command = [sys.executable, "-m", *(program or ("hookgram", "serve"))]
        self.port = _free_port()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603  (ours)
                command,
                env=environment(folder, self.port, targets) | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.seconds_to_start = self._wait_until_ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        end(self.process)
        if error is not None:
            error.add_note(self._log.read_text(errors="replace")[-2000:])

    def _wait_until_ready(self) -> float:
        url = f"http://127.0.0.1:{self.port}/health/ready"
        while time.monotonic() < self._started + PATIENCE:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(url, timeout=5).close()
                return time.monotonic() - self._started
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"the gateway did not start:\n{self._log.read_text()[-2000:]}")

    def cpu_seconds(self) -> float:
        """Tell the processor time it has used, with the process that writes its store."""
        ticks = 0
        for place in self._processes():
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Tell how much memory it holds now, with the process that writes its store, in MiB."""
        return self._status("VmRSS")

    def peak_memory(self) -> float:
        """Tell how much memory each of the two held at most, in MiB together."""
        return self._status("VmHWM")

    def _processes(self) -> list[Path]:
        own = Path(f"/proc/{self.process.pid}")
        lists = (place.read_text() for place in own.glob("task/*/children"))
        return [own, *(Path(f"/proc/{child}") for pids in lists for child in pids.split())]

    def _status(self, name: str) -> float:
        kib = 0
        for place in self._processes():
            lines = (place / "status").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
        return kib * 1024 / MIB


def environment(folder: Path, port: int, targets: Sequence[str]) -> dict[str, str]:
    """Build the gateway's whole environment: nothing of this machine's own settings gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "BOT_TOKEN": "123456:the-token-of-the-benchmarks-only",
        "TELEGRAM_SECRET_TOKEN": SECRET,
        "TARGET_WEBHOOK_URLS": ",".join(targets),
        "FANOUT_RETRY": "independent" if len(targets) > 1 else "together",
        "PUBLIC_MODE": "true",
        "RATE_LIMIT_PER_MIN": "0",
        "SQLITE_PATH": str(folder / "events.db"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }


def post(plan: Plan) -> Posted:
    """Post as the plan says, from a process of its own; every update must be answered 200."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.processes.load",
        msgspec.json.encode(plan).decode(),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603  (ours)
    posted = msgspec.json.decode(done.stdout, type=Posted)
    if posted.refused:
        raise RuntimeError(f"{posted.refused} of {posted.answered} updates were not answered 200")
    return posted


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours: asked first, then made to."""
    process.terminate()
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def closed_url() -> str:
    """Return a URL at which nobody listens."""
    return f"http://127.0.0.1:{_free_port()}/"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def line(pipe: IO[bytes] | None) -> bytes:
    """Read the next line that a child writes."""
    line = pipe.readline() if pipe else b""
    if not line:
        raise RuntimeError("a process of the measurement ended")
    return line


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which this share of the sorted values lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
