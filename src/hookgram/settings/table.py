"""The settings as a page of the documentation and as ``.env.example``, made from the fields."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hookgram.settings.checks import EXAMPLE_TOKEN
from hookgram.settings.knobs import Settings
from hookgram.settings.sources import FROM_FILES

INTRODUCTION = """# Settings

Made from `src/hookgram/settings/knobs.py` by `hookgram config --docs`; do not edit.

Read from the environment, then from `.env` in the working directory. An empty value is as if it
were not there. Where a secret is meant, `NAME_FILE` names a file that holds it: {files}.

| variable | default | meaning |
| --- | --- | --- |
"""

EXAMPLE = """# The settings of hookgram. Copy this file to .env and put your own values in.
# Made from src/hookgram/settings/knobs.py by `hookgram config --example`; do not edit.

BOT_TOKEN={token}
"""


def as_page() -> str:
    """Return the page ``docs/reference/settings.md``."""
    files = ", ".join(f"`{name}_FILE`" for name in FROM_FILES)
    rows = [
        f"| `{name.upper()}` | {_shown(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return INTRODUCTION.format(files=files) + "\n".join(rows) + "\n"


def as_example() -> str:
    """Return ``.env.example``."""
    blocks = [
        f"\n# {(field.description or '').replace('`', '')}\n# {name.upper()}={_default(field)}\n"
        for name, field in Settings.model_fields.items()
        if name != "bot_token"
    ]
    return EXAMPLE.format(token=EXAMPLE_TOKEN) + "".join(blocks)


def _default(field: FieldInfo) -> str:
    default: Any = field.default
    if default is PydanticUndefined or default is None or default in ((), frozenset()):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _shown(field: FieldInfo) -> str:
    default = _default(field)
    return f"`{default}`" if default else "–"
