"""The files for the platforms keep what the gateway needs: volume, health check, time to stop."""

from __future__ import annotations

import re
import tomllib
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from hookgram import __version__
from hookgram.settings.derived import Settings
from hookgram.settings.loading import NAMES
from hookgram.settings.sources import near_misses

ROOT = Path(__file__).parents[2]
GRACE = int(Settings.model_fields["shutdown_grace_sec"].default)
CLOSING = 10
"""Seconds from the end of the grace until the process is gone: the longest a commit may take."""


def yaml(name: str) -> dict:
    return YAML(typ="safe").load(ROOT / name)


@dataclass
class Place:
    """What one platform's file says."""

    volume: str
    health: str
    stop: int
    grace: int = GRACE
    instances: int = 1


def compose() -> Place:
    [service] = yaml("compose.yaml")["services"].values()
    assert service["restart"] == "unless-stopped"
    assert service["environment"]["SQLITE_PATH"].startswith("/data/")
    [mount] = service["volumes"]
    # Its health check is the image's own.
    return Place(mount.split(":")[1], "/health", int(service["stop_grace_period"].rstrip("s")))


def fly() -> Place:
    said = tomllib.loads((ROOT / "fly.toml").read_text())
    service = said["http_service"]
    [check] = service["checks"]
    assert said["kill_signal"] == "SIGTERM"
    assert (service["auto_stop_machines"], service["auto_start_machines"]) == ("off", False)
    assert service["internal_port"] == int(said["env"]["PORT"])
    return Place(
        said["mounts"]["destination"],
        check["path"],
        said["kill_timeout"],
        instances=service["min_machines_running"],
    )


def render() -> Place:
    [service] = yaml("render.yaml")["services"]
    env = {variable["key"]: variable for variable in service["envVars"]}
    for name in ("BOT_TOKEN", "TELEGRAM_SECRET_TOKEN"):
        assert env[name] == {"key": name, "sync": False}
    return Place(
        service["disk"]["mountPath"],
        service["healthCheckPath"],
        30,  # Render's own default
        grace=int(env["SHUTDOWN_GRACE_SEC"]["value"]),
        instances=service["numInstances"],
    )


def railway() -> Place:
    text = (ROOT / ".railway/railway.ts").read_text()

    def said(pattern: str) -> str:
        [found] = re.findall(pattern, text)
        return found

    assert said(r'RAILWAY_RUN_UID: "(\d+)"') == "0"
    assert not (ROOT / "railway.json").exists()
    assert not (ROOT / "railway.toml").exists()
    return Place(
        said(r'volumeMounts: \{ "(.+)": data \}'),
        said(r'healthcheck: "(.+)"'),
        int(said(r'RAILWAY_DEPLOYMENT_DRAINING_SECONDS: "(\d+)"')),
        instances=int(said(r"replicas: (\d+)")),
    )


@pytest.mark.parametrize("place", [compose, fly, render, railway], ids=lambda place: place.__name__)
def test_each_platform_keeps_the_data_asks_for_health_and_leaves_time_to_stop(place):
    said = place()
    assert said.volume == "/data"
    assert said.health == "/health"
    assert said.stop >= said.grace + CLOSING
    assert said.instances == 1


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(ROOT / "deploy/hookgram.service")
    return parser


def test_the_unit_starts_again_what_may_pass_and_lets_wrong_settings_rest():
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "78"
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"
    assert int(service["TimeoutStopSec"]) >= GRACE + CLOSING
    assert f"/var/lib/{service['StateDirectory']}" == service["WorkingDirectory"]


def test_every_file_names_the_image_in_the_same_way():
    minor = __version__.rpartition(".")[0]
    files = [*ROOT.glob("*.*"), *ROOT.glob(".railway/*"), *ROOT.glob("docs/**/*.md")]
    named = {
        name
        for file in files
        if file.is_file()
        for name in re.findall(r"ghcr\.io/[^\s\"'`)]+", file.read_text())
    }
    assert named == {f"ghcr.io/OWNER/hookgram:{minor}"}


PLATFORMS_OWN = (
    ["PORT", "HOSTNAME", "HOME", "PATH", "LANG", "GPG_KEY", "PYTHON_VERSION", "PYTHON_SHA256"]
    + [f"RAILWAY_{name}" for name in ("PUBLIC_DOMAIN", "RUN_UID", "VOLUME_NAME", "SERVICE_NAME")]
    + ["RAILWAY_STATIC_URL", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "RAILWAY_VOLUME_MOUNT_PATH"]
    + [f"FLY_{name}" for name in ("APP_NAME", "MACHINE_ID", "PUBLIC_IP", "REGION", "IMAGE_REF")]
    + ["PRIMARY_REGION", "FLY_PROCESS_GROUP", "FLY_VM_MEMORY_MB", "FLY_PRIVATE_IP"]
    + [f"RENDER_{name}" for name in ("EXTERNAL_URL", "SERVICE_NAME", "INSTANCE_ID", "GIT_COMMIT")]
    + ["RENDER", "IS_PULL_REQUEST", "RENDER_EXTERNAL_HOSTNAME", "RENDER_SERVICE_TYPE"]
    + ["INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "STATE_DIRECTORY", "LOGNAME"]
)


def test_what_platforms_set_by_themselves_is_not_taken_for_a_misspelt_setting(monkeypatch):
    for name in PLATFORMS_OWN:
        monkeypatch.setenv(name, "10000")
    assert near_misses(NAMES, None) == []


def test_the_port_a_platform_sets_is_where_we_listen(monkeypatch):
    monkeypatch.setenv("PORT", "10000")
    monkeypatch.setenv("BOT_TOKEN", "123456:AAF0-this_is_a_token_of_the_tests_only")
    settings = Settings()
    assert (settings.host, settings.port) == ("0.0.0.0", 10000)
