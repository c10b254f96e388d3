"""Where settings come from: the environment, ``.env``, files of secrets, then the defaults."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from hookgram.core.facts import Warned

FROM_FILES = (
    "BOT_TOKEN",
    "TELEGRAM_SECRET_TOKEN",
    "OUTBOUND_SECRET",
    "DATABASE_URL",
    "DATABASE_DIRECT_URL",
)
LONGEST_SECRET = 64 * 1024
LIKENESS = 0.83
SHORTEST_NAME = 6
"""Shorter names are alike by chance."""


def layers(env_file: Path | None) -> dict[str, dict[str, str]]:
    """Return what is set, by its source, the stronger first; names in capitals, nothing empty."""
    kept = dict(dotenv_values(env_file, interpolate=False)) if _there(env_file) else {}
    found: dict[str, Mapping[str, str | None]] = {"environment": os.environ, ".env": kept}
    return {
        source: {name.upper(): value for name, value in values.items() if value}
        for source, values in found.items()
    }


def variables(env_file: Path | None) -> dict[str, str]:
    """Return all that is set, the stronger source's value of each; names as they are written.

    Settings are also found by their names in capitals.
    """
    found: dict[str, str] = {}
    kept = dotenv_values(env_file, interpolate=False) if _there(env_file) else {}
    sources: list[Mapping[str, str | None]] = [*reversed(layers(env_file).values())]
    for values in (*sources, kept, os.environ):
        found |= {name: value for name, value in values.items() if value}
    return found


def unreadable(env_file: Path | None) -> list[str]:
    """Tell the lines of the file that say nothing, for instance because a quote is not closed."""
    if env_file is None or not _there(env_file):
        return []
    with env_file.open(encoding="utf-8-sig") as text:
        lines = [found.original.line for found in parse_stream(text) if found.error]
    return [f"{env_file}: line {line} cannot be read; write NAME=value" for line in lines]


def _there(env_file: Path | None) -> bool:
    return env_file is not None and env_file.is_file()


class SecretFiles(PydanticBaseSettingsSource):
    """Reads ``NAME_FILE`` for the settings that are secrets.

    ``problems`` tells what went wrong, with the settings in ``failed``.
    """

    def __init__(self, settings: type[BaseSettings], env_file: Path | None) -> None:
        super().__init__(settings)
        self._layers = layers(env_file)
        self.problems: list[str] = []
        self.failed: set[str] = set()

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return the secret of a field, if a file is named for it."""
        name = field_name.upper()
        paths = [values.get(f"{name}_FILE") for values in self._layers.values()]
        path = next((path for path in paths if path), None)
        if name not in FROM_FILES or path is None:
            return None, field_name, False
        if any(name in values for values in self._layers.values()):
            self._fail(name, f"{name}: both {name} and {name}_FILE are set; keep one of them")
            return None, field_name, False
        return self._read(name, Path(path)), field_name, False

    def _read(self, name: str, path: Path) -> str | None:
        try:
            with path.open(encoding="utf-8") as file:
                secret = file.read(LONGEST_SECRET + 1).rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            self._fail(name, f"{name}_FILE: cannot be read ({why}); check the path")
            return None
        if not 0 < len(secret) <= LONGEST_SECRET:
            why = "is empty" if not secret else "is too large for a secret"
            self._fail(name, f"{name}_FILE: the file {why}; put the secret into it")
            return None
        return secret

    def _fail(self, name: str, problem: str) -> None:
        self.failed.add(name)
        self.problems.append(problem)

    def __call__(self) -> dict[str, Any]:
        """Return the secrets that stand in files."""
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value}


def origins(names: list[str], env_file: Path | None) -> dict[str, str]:
    """Return where each of the settings *names* comes from."""
    found = dict.fromkeys(names, "default")
    for source, values in reversed(layers(env_file).items()):
        for name in names:
            if name in values:
                found[name] = source
            elif name in FROM_FILES and f"{name}_FILE" in values:
                found[name] = f"{source}, {name}_FILE"
    return found


def near_misses(names: list[str], env_file: Path | None) -> list[Warned]:
    """Warn of variables that look like a setting and are none."""
    known = {*names, *(f"{name}_FILE" for name in FROM_FILES)}
    given = {name for values in layers(env_file).values() for name in values}
    found = []
    for name in sorted(name for name in given - known if len(name) >= SHORTEST_NAME):
        close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=LIKENESS)
        if close:
            found.append(
                Warned(
                    code="unknown_setting",
                    message=f"{name} is no setting",
                    advice=f"did you mean {close[0]}?",
                )
            )
    return found
