"""What ``--from`` and ``--to`` name. Nothing of a URL is ever shown."""

from __future__ import annotations

from pathlib import Path

import typer

from hookgram.settings import load_place
from hookgram.settings.databases import SCHEMES, wrong

ONE_WAY = "only from SQLite to PostgreSQL"
"""The other way, nothing could keep replicas out of the database meanwhile."""
FROM_LIKE = "write --from sqlite:PATH, or --from sqlite for SQLITE_PATH"
TO_LIKE = "write --to postgres for DATABASE_URL, or --to postgresql://user:password@host/database"


def source(text: str) -> Path:
    """Return the file of ``--from``. Raises a usage error, SettingsError."""
    kind, colon, rest = text.partition(":")
    if kind in SCHEMES:
        raise typer.BadParameter(f"moves go {ONE_WAY}")
    if kind != "sqlite" or rest.startswith("//") or (colon and not rest):
        raise typer.BadParameter(f"{FROM_LIKE}; moves go {ONE_WAY}")
    return Path(rest) if rest else load_place().sqlite_path


def destination(text: str) -> str:
    """Return the database's URL of ``--to``. Raises a usage error, SettingsError."""
    if text in SCHEMES:
        given = load_place().database_url
        if given is None:
            raise typer.BadParameter(f"DATABASE_URL is not set; set it, or {TO_LIKE}")
        return given.get_secret_value()
    if text.partition("://")[0] not in SCHEMES:
        raise typer.BadParameter(f"{TO_LIKE}; moves go {ONE_WAY}")
    if problem := wrong(text):
        raise typer.BadParameter(problem)
    return text
