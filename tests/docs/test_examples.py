"""The settings and the code that our pages show are ones that work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.console import PAGES, ROOT, blocks, name_of
from hookgram.core.formats.event import event_body
from hookgram.core.model import Event
from hookgram.core.reading import read
from hookgram.settings import Settings, load, risks
from hookgram.settings.sources import FROM_FILES

KNOWN = {*(name.upper() for name in Settings.model_fields), *(f"{n}_FILE" for n in FROM_FILES)}
OTHERS = re.compile(r"(RAILWAY|RENDER|FLY|STATE|RUNTIME|GITHUB|NO)_\w+")
"""Variables of platforms and terminals."""


def settings_of(page: Path) -> list[str]:
    """Return the page's blocks that are files of settings, not units of a service manager."""
    return [block for block in blocks(page, "ini") if not re.search(r"^\[", block, re.MULTILINE)]


WITH_SETTINGS = [page for page in PAGES if settings_of(page)]
REST = "BOT_TOKEN=123456:a-token-that-is-made-up\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of its own, and nothing of this machine's environment."""
    monkeypatch.chdir(tmp_path)
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("page", WITH_SETTINGS, ids=name_of)
def test_the_settings_that_a_page_shows_are_taken(page, folder):
    for block in settings_of(page):
        named = set(re.findall(r"^([A-Z_]+)=", block, re.MULTILINE))
        assert named <= KNOWN
        (folder / ".env").write_text(block if "BOT_TOKEN" in named else REST + block)
        warned = {warning.code for warning in risks(load())}
        assert not warned & {"unknown_setting", "bad_whsec", "weak_signature", "same_url_twice"}


def targets_of(page: Path) -> list[str]:
    """Return the page's blocks that are parts of a configuration file."""
    found = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [block for block in found if "[[targets]]" in block]


@pytest.mark.parametrize("page", [page for page in PAGES if targets_of(page)], ids=name_of)
def test_the_targets_that_a_page_shows_are_taken(page, folder, monkeypatch):
    monkeypatch.setenv("CONFIG_FILE", "hookgram.toml")
    monkeypatch.setenv("BOT_TOKEN", "123456:a-token-that-is-made-up")
    for block in targets_of(page):
        for name in set(re.findall(r"\$\{(\w+)\}", block)) - KNOWN:
            kind = "654321:a-token" if name.endswith("BOT_TOKEN") else "a-secret"
            monkeypatch.setenv(name, f"{kind}-that-is-made-up")
        (folder / "hookgram.toml").write_text(block)
        assert load().definitions()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_setting_that_a_page_names_exists(page):
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"`([A-Z]{2,}(?:_[A-Z]+)+)(?:=[^`]*)?`", prose))
    unknown = {name for name in named - KNOWN if not OTHERS.fullmatch(name)}
    assert not unknown


def test_a_bot_gets_back_the_update_that_telegram_sent():
    [snippet] = blocks(ROOT / "docs/how-to/connect-your-bot.md", "python")
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102  (the page's own code is what is under test)
    lines = (ROOT / "tests/data/updates.jsonl").read_text().splitlines()
    bodies = [
        json.dumps(found).encode() for found in map(_update_in, map(json.loads, lines)) if found
    ]
    assert len(bodies) > 20
    for body in bodies:
        sent = json.loads(body)
        got = names["update_of"](json.loads(event_body(_event(body))))
        assert got == sent


def _update_in(entry):
    return entry if "update_id" in entry else entry.get("update")


def _event(body):
    reading = read(body)
    return Event(
        event_id="evt_1",
        bot_id=1,
        update_id=reading.update_id,
        kind=reading.kind,
        chat_id=None,
        user_id=None,
        lane=None,
        received_at=1,
        expires_at=None,
        body=body,
    )
