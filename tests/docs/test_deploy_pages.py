"""Each page on deploying leads to a bot whose updates arrive."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hookgram.settings.loading import NAMES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/how-to/deploy"
PLACES = [page for page in FOLDER.glob("*.md") if page.name not in {".nav.md", "index.md"}]
PAGES = [*PLACES, FOLDER / "index.md", ROOT / "docs/how-to/local-development.md"]
OTHERS = re.compile(r"RAILWAY_\w+|[A-Z_]+_FILE|STATE_\w+")


@pytest.mark.parametrize("page", [*PLACES, PAGES[-1]], ids=lambda page: page.stem)
def test_each_place_ends_with_telegram_knowing_it(page):
    text = page.read_text()
    assert re.search(r"hookgram webhook set --url https://\S+/telegram/webhook", text)
    [call] = re.findall(r"curl \"https://api\.telegram\.org/bot.*?\n```", text, re.DOTALL)[:1]
    assert "/setWebhook" in call
    assert re.search(r"-d url=https://\S+/telegram/webhook", call)
    assert '-d secret_token="$TELEGRAM_SECRET_TOKEN"' in call


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_setting_a_page_names_is_one(page):
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", page.read_text()))
    unknown = {name for name in named - set(NAMES) if not OTHERS.fullmatch(name)}
    assert not unknown


def test_each_page_is_in_the_navigation():
    listed = set(re.findall(r"\((\S+\.md)\)", (FOLDER / ".nav.md").read_text()))
    assert listed == {page.name for page in PLACES} | {"index.md"}


def test_each_file_a_page_names_is_in_the_repository():
    text = (FOLDER / "index.md").read_text()
    rows = re.findall(r"^\| \[[^]]+\]\((\w+\.md)\) \| `([^`]+)`", text, re.MULTILINE)
    assert len(rows) == 5
    for page, file in rows:
        assert (FOLDER / page).is_file()
        assert (ROOT / file).is_file()
        assert file in (FOLDER / page).read_text()
