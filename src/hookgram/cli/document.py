"""What is printed with ``--json``: one document, its names those of the core's nouns.

A moment stands twice: as text (ISO 8601, UTC) and, with ``_us``, as the integer microseconds that
the store keeps. A duration stands once, with ``_us``.
"""

from __future__ import annotations

import base64
import json
from enum import Enum
from typing import Any

import msgspec

from hookgram.cli.moments import iso
from hookgram.core.listing import TargetRow
from hookgram.core.model import UNPARSED, AttemptRow, Event, State
from hookgram.core.redact import mask
from hookgram.core.visible import in_json
from hookgram.usecases.search import ShownDelivery

MOMENTS = frozenset(
    {"received_at", "expires_at", "created_at", "due_at", "ended_at", "started_at"}
    | {"orphaned_at", "oldest_due"}
)
DURATIONS = frozenset({"took"})


def text(document: Any) -> str:
    """Return the JSON text of what ``plain`` and the functions here made."""
    return in_json(json.dumps(document, ensure_ascii=False, indent=2))


def plain(noun: msgspec.Struct) -> dict[str, Any]:
    """Return a noun's fields as JSON knows them."""
    found: dict[str, Any] = {}
    for name in noun.__struct_fields__:
        value = getattr(noun, name)
        if name in MOMENTS:
            found[name] = None if value is None else iso(value)
            found[f"{name}_us"] = value
        elif name in DURATIONS:
            found[f"{name}_us"] = value
        else:
            found[name] = _value(value)
    return found


def _value(value: Any) -> Any:
    if isinstance(value, State):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {_value(key): _value(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def target(row: TargetRow) -> dict[str, Any]:
    """Return a target with what follows from its counts."""
    derived = {"state": row.state, "unsettled": row.unsettled, "dead_kept": row.dead_kept}
    return plain(row) | derived


def event(one: Event) -> dict[str, Any]:
    """Return an event with its body: as JSON, or as base64 if it could not be read."""
    found = plain(one)
    body = found.pop("body")
    if one.kind != UNPARSED:
        try:
            return found | {"body": json.loads(body.decode("utf-8", "replace"))}
        except (ValueError, RecursionError):
            pass
    return found | {"body": None, "body_base64": base64.b64encode(body).decode()}


def delivery(shown: ShownDelivery) -> dict[str, Any]:
    """Return a delivery with its attempts."""
    return plain(shown.delivery) | {"attempts": [attempt(row) for row in shown.attempts]}


def attempt(row: AttemptRow) -> dict[str, Any]:
    """Return an attempt: what a target wrote is masked, members stand as a list."""
    found = {**plain(row), **_masked(plain(row))}
    if row.members is not None:
        found["members"] = [_masked(one) for one in msgspec.json.decode(row.members)]
    return found


def _masked(found: dict[str, Any]) -> dict[str, Any]:
    shown = {name: mask(found[name]) for name in ("error", "excerpt") if found.get(name)}
    return found | shown
