"""Reads the settings and tells everything that is wrong with them, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from hookgram.core.facts import Warned
from hookgram.errors import SettingsError
from hookgram.settings import checks, messages, sources
from hookgram.settings.knobs import Settings

ENV_FILE = Path(".env")
NAMES = [name.upper() for name in Settings.model_fields]


def load(env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings. Raises SettingsError with everything that is wrong, all at once."""
    try:
        wrong = sources.unreadable(env_file)
        files = sources.SecretFiles(Settings, env_file)
        secrets = files()
        settings = Settings.from_sources(env_file, secrets)
    except ValidationError as error:
        told = messages.told(error, files.failed)
        raise SettingsError(wrong + files.problems + told) from None
    except UnicodeError:
        raise SettingsError([f"{env_file}: is no UTF-8 text; save it as such"]) from None
    except OSError as error:
        why = f"{env_file}: cannot be read ({error.strerror}); check who may read it"
        raise SettingsError([why]) from None
    if wrong or files.problems:
        raise SettingsError(wrong + files.problems)
    return settings


def risks(
    settings: Settings, orphans: Sequence[str] = (), env_file: Path | None = ENV_FILE
) -> list[Warned]:
    """List what works but should be known at start. *orphans*: targets that are no longer named."""
    near = sources.near_misses(NAMES, env_file)
    return checks.warnings(settings) + checks.orphaned(orphans) + near
