"""The configuration file's keys as a JSON schema, for editors, and as tables for the docs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from hookgram.settings.file.entries import BotEntry, ConfigFile, Entry, FilterEntry, TargetEntry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TABLES: dict[str, type[Entry]] = {
    "[[bots]]": BotEntry,
    "[[targets]]": TargetEntry,
    "[targets.filter]": FilterEntry,
}


class _Schema(GenerateJsonSchema):
    """TOML has no null: what may be absent is simply not required."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        inner: dict[str, Any] = self.generate_inner(schema["schema"])
        return inner

    def default_schema(self, schema: Any) -> dict[str, Any]:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  (the key says it)
        return False


def as_schema() -> str:
    """Return the JSON schema of the file."""
    schema = ConfigFile.model_json_schema(schema_generator=_Schema)
    head = {"$schema": DIALECT, "title": "hookgram.toml"}
    return json.dumps(head | schema | head, ensure_ascii=False, indent=2) + "\n"


def rows(entry: type[Entry]) -> Iterator[tuple[str, str, str]]:
    """Yield each key of a table with its default and its meaning."""
    for name, field in entry.model_fields.items():
        default = "must be there" if field.is_required() else _default(field.get_default())
        yield f"`{name}`", default, field.description or ""


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str) else "–"
