"""Prints the places of all pages below a folder: ``python -m hookgram.cli.reference docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from hookgram.cli.reference.places import printed_anew

for _path in sorted(Path(sys.argv[1]).rglob("*.md")):
    _page = _path.read_text(encoding="utf-8")
    if (_anew := printed_anew(_page)) != _page:
        _path.write_text(_anew, encoding="utf-8")
        print(f"printed {_path}")  # noqa: T201  (what a person reads)
