"""The settings as a table of the documentation and as ``.env.example``, made from the fields."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hookgram.settings.checks import EXAMPLE_TOKEN
from hookgram.settings.derived import Settings

EXAMPLE = """# The settings of hookgram. Copy this file to .env and put your own values in.
# Made from src/hookgram/settings/knobs.py by `hookgram config --example`; do not edit.

BOT_TOKEN={token}
"""


def rows() -> list[tuple[str, str, str]]:
    """Return each setting's name, default and meaning, for the documentation."""
    return [
        (f"`{name.upper()}`", _shown(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


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
