"""The documentation as it is built: without a warning, every link leads somewhere, all at home."""

from __future__ import annotations

import html.parser
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not page.name.startswith("."))
SUMMONS = {"mermaid", "glightbox", "md-source"}
"""Classes for whose sake the theme's script would fetch something from elsewhere."""
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches by itself, and where the address stands."""


class Built(html.parser.HTMLParser):
    """What a built page links to, what it loads, and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.classes: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if LOADING.get(tag) in given:
            self.loads.append(given[LOADING[tag]])
        self.classes |= set(given.get("class", "").split())
        self.anchors |= {given[name] for name in ("id", "name") if name in given}


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict", "--clean"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    return folder


@pytest.fixture(scope="module")
def site(sources):
    result = build(sources)
    assert result.returncode == 0, result.stderr[-3000:]
    found = {path.resolve(): Built(path) for path in (sources / "site").rglob("*.html")}
    assert len(found) > len(PAGES) / 2
    return found


def at_home(address: str) -> bool:
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def place(page: Path, address: str, root: Path) -> Path:
    """Find the file that a browser would be given."""
    path = unquote(urlsplit(address).path)
    found = (root / path.lstrip("/")) if path.startswith("/") else (page.parent / path)
    found = page if not path else found.resolve()
    return found / "index.html" if found.is_dir() else found


def test_every_internal_link_and_anchor_leads_somewhere(site, sources):
    root = (sources / "site").resolve()
    for path, page in site.items():
        for address in [*page.links, *page.loads]:
            if not at_home(address):
                continue
            there = place(path, address, root)
            assert there.is_file(), f"{path.relative_to(root)}: {address}"
            anchor = unquote(urlsplit(address).fragment)
            if anchor and there in site:
                assert anchor in site[there].anchors, f"{path.relative_to(root)}: {address}"


def test_no_page_loads_anything_from_elsewhere(site):
    for path, page in site.items():
        foreign = [address for address in page.loads if not at_home(address)]
        assert not foreign, f"{path}: {foreign}"
        assert not page.classes & SUMMONS, f"{path}: {page.classes & SUMMONS}"
    styles = [path.read_text(encoding="utf-8") for path in DOCS.rglob("*.css")]
    assert styles
    assert not any("//" in style.replace("*/", "") for style in styles)


def test_every_page_can_be_reached_from_the_first(site, sources):
    root = (sources / "site").resolve()
    seen, waiting = set(), [root / "index.html"]
    while waiting:
        path = waiting.pop()
        if path in site and path not in seen:
            seen.add(path)
            links = [address for address in site[path].links if at_home(address)]
            waiting += [place(path, address, root) for address in links]
    assert site.keys() - seen <= {root / "404.html"}


def test_a_link_that_leads_nowhere_fails_the_build(sources, tmp_path):
    shutil.copytree(sources, tmp_path / "broken")
    page = tmp_path / "broken/docs/index.md"
    page.write_text(page.read_text() + "\n[nowhere](reference/settings.md#nowhere)\n")
    assert build(tmp_path / "broken").returncode != 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_each_page_begins_with_its_one_title(page):
    lines, code = [], False
    for line in page.read_text().splitlines():
        code ^= line.startswith("```")
        if not code:
            lines.append(line)
    assert lines[0].startswith("# ")
    assert sum(line.startswith("# ") for line in lines) == 1
