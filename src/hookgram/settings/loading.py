"""Reads the settings and tells everything that is wrong with them, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hookgram.core.facts import Warned
from hookgram.errors import SettingsError
from hookgram.settings import checks, sources
from hookgram.settings.knobs import Settings

ENV_FILE = Path(".env")
NAMES = [name.upper() for name in Settings.model_fields]


def load(env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings. Raises SettingsError with everything that is wrong, all at once."""
    files = sources.SecretFiles(Settings, env_file)
    secrets = files()
    try:
        settings = Settings.from_sources(env_file, secrets)
    except ValidationError as error:
        raise SettingsError(files.problems + [_told(one) for one in error.errors()]) from None
    found = files.problems + checks.of_all(settings)
    if found:
        raise SettingsError(found)
    return settings


def risks(
    settings: Settings, orphans: Sequence[str] = (), env_file: Path | None = ENV_FILE
) -> list[Warned]:
    """List what works but should be known at start. *orphans*: targets that are no longer named."""
    near = sources.near_misses(NAMES, env_file)
    return checks.warnings(settings) + checks.orphaned(orphans) + near


def _told(error: ErrorDetails) -> str:
    """Say what is wrong with one setting, never its value: it may be a secret."""
    name = str(error["loc"][0]).upper()
    if error["type"] == "missing":
        return f"{name}: is not set; get a token from @BotFather and set it"
    description = Settings.model_fields[name.lower()].description
    if error["type"] == "setting":
        return f"{name}: {error['msg']}"
    return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]} ({description})"
