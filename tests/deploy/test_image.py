"""What the image runs, without Docker: the Dockerfile's steps, replayed from an empty folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import dockerfile
import pytest

from fakes.gateway import TOKEN, Process, free_port

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/hookgram"

pytestmark = pytest.mark.timeout(400)  # the first of them waits for the image to be built


def container(image, folder: Path, **variables: str) -> Process:
    """A process with the image's environment and these variables, nothing of the machine."""
    process = Process(folder, command=image.command("CMD"))
    data = {"SQLITE_PATH": str(folder / "data" / "events.db")}
    process.env = {
        **image.env,
        **data,
        "BOT_TOKEN": TOKEN,
        "HOST": "127.0.0.1",
        "PORT": str(process.port),
        **variables,
    }
    return process


def asked(image, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the image's HEALTHCHECK."""
    return subprocess.run(
        image.command("HEALTHCHECK"),
        env={**image.env, **variables},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
async def test_it_starts_with_nothing_but_a_token_stores_and_stops_with_0(image, tmp_path, ending):
    process = container(image, tmp_path)
    await process.start()
    try:
        assert await process.get("/health") == (200, {"status": "healthy"})
        assert await process.post(b'{"update_id":1,"inline_query":{"id":"1"}}', secret=None) == 200
        assert (await process.get("/stats"))[1]["accepted"] == 1
        healthy = asked(image, HOST="127.0.0.1", PORT=str(process.port))
        assert (healthy.returncode, healthy.stdout) == (0, "")
        assert await process._signal(ending, deadline=10) == 0
    finally:
        if process.running:
            await process.kill()


async def test_it_writes_nothing_but_its_data_so_the_root_may_be_read_only(image, tmp_path):
    process = container(image, tmp_path, TMPDIR=str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    await process.start()
    assert await process.stop() == 0
    assert dockerfile.listing(image.root) == image.built
    assert not list((tmp_path / "tmp").iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"data", "tmp", "gateway.log"}


async def test_what_was_stored_is_there_after_a_new_container_came(image, tmp_path):
    for update in (1, 2):
        process = container(image, tmp_path)
        await process.start()
        body = json.dumps({"update_id": update, "inline_query": {"id": "1"}}).encode()
        assert await process.post(body, secret=None) == 200
        assert (await process.get("/stats"))[1]["accepted"] == update
        await process.kill()


def test_settings_that_cannot_work_end_it_with_78_and_the_reason(image):
    ran = subprocess.run(
        image.command("CMD"), env=image.env, capture_output=True, text=True, timeout=20, check=False
    )
    assert ran.returncode == 78
    assert "BOT_TOKEN" in ran.stderr


def test_every_user_may_run_it(image):
    """No file needs its owner: any --user will do, and Railway's root."""
    for path in image.path("/opt/hookgram").rglob("*"):
        if not path.is_symlink():
            wanted = 0o005 if path.is_dir() or os.access(path, os.X_OK) else 0o004
            assert path.stat().st_mode & wanted == wanted, path
    assert image.path("/data").stat().st_mode & 0o7777 == 0o1777


def test_it_says_what_an_engine_needs_to_know(image):
    user, group = image.told["USER"].split(":")
    assert user.isdigit()  # Kubernetes cannot tell that a name is not root
    assert user != "0"
    assert group != "0"
    assert json.loads(image.told["VOLUME"]) == ["/data"]
    assert image.env["SQLITE_PATH"] == str(image.path("/data/events.db"))
    assert image.told["STOPSIGNAL"] == "SIGTERM"
    assert image.told["EXPOSE"] == "8000"


def test_it_holds_no_installer_and_nothing_of_the_checkout_but_what_was_built(image):
    assert not list(image.path("/opt/hookgram").rglob("pip"))
    assert not image.path("/build").exists()
    allowed = (
        *("src/", "requirements", "pyproject.toml", "README.md", "LICENSE", "deploy/health"),
        *("hookgram.example.toml", "hookgram.schema.json"),
    )
    assert [name for name in image.copied if not name.startswith(allowed)] == []


def test_the_wheel_holds_every_file_of_the_package(image):
    [installed] = image.path("/opt/hookgram").rglob("site-packages/hookgram")

    def files(folder: Path) -> set[str]:
        found = (path for path in folder.rglob("*") if path.is_file())
        return {str(p.relative_to(folder)) for p in found if p.suffix != ".pyc"}

    assert {"py.typed", "store/sqlite/queries.sql"} <= files(PACKAGE)
    beside = {"hookgram.example.toml", "hookgram.schema.json"}  # brought from the root
    assert files(installed) == files(PACKAGE) | beside
    for name in beside:
        assert (installed / name).read_bytes() == (ROOT / name).read_bytes()
    assert list(installed.rglob("*.pyc")), "compiled at build time: a read-only root cannot"


@pytest.fixture
def answering():
    """A server that gives this answer once to whoever connects, at the port it tells."""
    servers = []

    def start(answer: bytes, host: str = "127.0.0.1") -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server((host, 0), family=family)
        servers.append(server)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1000).startswith(b"GET /health HTTP/1.0\r\n")
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 0, ""),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1, "/health: 503\n"),
        (b"", 1, "/health: nothing\n"),
    ],
)
def test_the_health_check_believes_200_alone(image, answering, answer, code, told):
    ran = asked(image, PORT=str(answering(answer)))
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, told, "")


@pytest.mark.parametrize(
    ("variable", "host"),
    [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::1", "::1")],
)
def test_the_health_check_asks_where_the_gateway_listens(image, answering, variable, host):
    port = answering(b"HTTP/1.1 200 OK\r\n\r\n", host)
    assert asked(image, HOST=variable, PORT=str(port)).returncode == 0


@pytest.mark.parametrize("port", [str(free_port()), "no number"], ids=["closed", "none"])
def test_the_health_check_says_why_it_failed(image, port):
    ran = asked(image, PORT=port)
    assert ran.returncode == 1
    assert ran.stdout.startswith("/health: ")
    assert ran.stderr == ""


def test_the_health_check_is_cheap(image):
    python, *flags, script = image.command("HEALTHCHECK")
    assert flags == ["-I", "-S"]
    code = f"import runpy, sys; runpy.run_path({script!r}); print(*sys.modules)"
    ran = subprocess.run(
        [python, *flags, "-c", code], env=image.env, capture_output=True, text=True, check=True
    )
    heavy = {"asyncio", "email", "hookgram", "http", "json", "logging", "ssl", "urllib"}
    assert heavy & {name.partition(".")[0] for name in ran.stdout.split()} == set()
