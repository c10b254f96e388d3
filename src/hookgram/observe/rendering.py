"""A log line as text: JSON for machines, a coloured line for people, masked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
import structlog

from hookgram.core.redact import mask, suspect
from hookgram.core.visible import lines
from hookgram.observe.lines import Line

Renderer: TypeAlias = Callable[[Line, float], str]
"""Spells a line of a moment (seconds since the epoch), without its line end."""

_encoder = msgspec.json.Encoder(enc_hook=str)
_forgiving = json.JSONEncoder(ensure_ascii=False, default=str)


def renderer(style: str, secrets: tuple[str, ...], *, terminal: bool) -> Renderer:
    """Return what spells lines: *style* is ``pretty``, ``json``, or ``auto`` by *terminal*."""
    if style == "pretty" or (style == "auto" and terminal):
        return _pretty(secrets, colors=terminal)
    return _json(secrets)


def _level(level: int) -> str:
    return logging.getLevelName(level).lower()


def _json(secrets: tuple[str, ...]) -> Renderer:
    def render(line: Line, at: float) -> str:
        fields = {
            "ts": f"{_second(int(at))}.{int(at * 1000) % 1000:03d}Z",
            "level": _level(line.level),
            "message": "",
            **line.fields,
        }
        fields["message"] = line.message
        text = _encoded(fields)
        if not suspect(text, secrets):
            return text
        return _encoded({name: _masked(value, secrets) for name, value in fields.items()})

    return render


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    """Write a second of UTC; most lines share it with the one before."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _encoded(fields: dict[str, Any]) -> str:
    try:
        return _encoder.encode(fields).decode()
    except (ValueError, OverflowError):  # half a surrogate pair, an integer of more than 64 bits
        return _forgiving.encode(fields)


def _masked(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return mask(value, secrets)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {name: _masked(inner, secrets) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_masked(inner, secrets) for inner in value]
    return mask(str(value), secrets)


def _pretty(secrets: tuple[str, ...], *, colors: bool) -> Renderer:
    console = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)

    def render(line: Line, at: float) -> str:
        moment = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
        level = _level(line.level)
        message = lines(mask(line.message, secrets), indent="    ")
        return str(console(None, level, {"timestamp": moment, "level": level, "event": message}))

    return render
