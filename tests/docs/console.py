"""The command lines that our pages tell people to type."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the page's blocks of a language, those within a list's item too."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE
    )
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def lines(page: Path) -> list[str]:
    """Return the command lines of a page: continued ones whole, remarks taken off."""
    found: list[str] = []
    for block in blocks(page, "console"):
        waiting = ""
        for line in block.replace("\\\n", " ").splitlines():
            waiting += re.sub(r"(?:^|\s)#\s.*", "", line)
            if waiting.count("'") % 2 == 0:  # a quotation may go on in the next line
                found.append(re.sub(r"\s+", " ", waiting.strip().removeprefix("$ ")))
                waiting = ""
    return [line for line in found if line]


def name_of(page: Path) -> str:
    """Name a page as people would."""
    return str(page.relative_to(ROOT))
