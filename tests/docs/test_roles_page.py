"""What the page on roles says to copy is well-formed, and each process in it has its role."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ruamel.yaml import YAML

from hookgram.core.role import Role
from hookgram.settings.loading import NAMES

PAGE = (Path(__file__).parents[2] / "docs/how-to/roles.md").read_text()
PARTS = {Role.INGEST, Role.WORKER}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_compose_starts_both_on_one_file():
    services = YAML(typ="safe").load(blocks("yaml")[0])["services"]
    assert {service["environment"]["ROLE"] for service in services.values()} == PARTS
    assert {service["environment"]["SQLITE_PATH"] for service in services.values()} == {
        "/data/events.db"
    }
    assert {tuple(service["volumes"]) for service in services.values()} == {("data:/data",)}
    assert services["ingest"]["ports"]
    assert not services["worker"]["ports"]


def test_fly_gives_each_group_its_role_and_traffic_to_one():
    [text] = blocks("toml")
    said = tomllib.loads(text)
    commands = {name: line.split()[-1] for name, line in said["processes"].items()}
    assert set(commands.values()) == PARTS
    assert [commands[name] for name in said["http_service"]["processes"]] == [Role.INGEST]
    assert said["http_service"]["internal_port"] == int(said["env"]["PORT"])


def test_render_gives_the_web_service_to_who_takes_updates():
    services = YAML(typ="safe").load(blocks("yaml")[1])["services"]
    roles = {}
    for service in services:
        variables = {one["key"]: one for one in service["envVars"] if "key" in one}
        assert set(variables) <= set(NAMES)
        roles[service["type"]] = variables["ROLE"]["value"]
    assert roles == {"web": Role.INGEST, "worker": Role.WORKER}
