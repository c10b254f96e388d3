"""A log line as text: JSON for machines, a coloured line for people, masked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import msgspec
import structlog

from hookgram.core.redact import mask
from hookgram.core.visible import lines
from hookgram.observe.lines import Line

Renderer: TypeAlias = Callable[[Line, float], bytes]
"""Spells a line of a moment (seconds since the epoch), without its line end, in UTF-8.

Bytes, because they come from the encoder and are searched and joined faster than text.
"""


ENCODING = ("utf-8", "surrogatepass")
"""How lines are encoded, whatever a library puts in one."""


class Style(NamedTuple):
    """Two ways to spell a line: ``masked``, and ``bare``, for what holds nothing to mask.

    Whether it does is told by ``suspect``, and cheapest of what was spelled bare.
    """

    bare: Renderer
    masked: Renderer


_encoder = msgspec.json.Encoder(enc_hook=str)
_forgiving = json.JSONEncoder(ensure_ascii=False, default=str)


def style_of(name: str, secrets: tuple[str, ...], *, terminal: bool) -> Style:
    """Return a style by its name: ``pretty``, ``json``, or ``auto``, which is by *terminal*."""
    if name == "pretty" or (name == "auto" and terminal):
        pretty = _pretty(secrets, colors=terminal)
        return Style(bare=pretty, masked=pretty)
    return Style(bare=_json, masked=_masked_json(secrets))


@lru_cache(maxsize=64)
def _level(level: int) -> str:
    return logging.getLevelName(level).lower()


def _json(line: Line, at: float) -> bytes:
    return _encoded(_fields(line, at))


def _masked_json(secrets: tuple[str, ...]) -> Renderer:
    def render(line: Line, at: float) -> bytes:
        fields = _fields(line, at)
        return _encoded({name: _masked(value, secrets) for name, value in fields.items()})

    return render


def _fields(line: Line, at: float) -> dict[str, Any]:
    fields = {
        "ts": _moment(int(at * 1000)),
        "level": _level(line.level),
        "message": "",
        **line.fields,
    }
    fields["message"] = line.message
    return fields


@lru_cache(maxsize=4)
def _moment(milliseconds: int) -> str:
    """Write a moment of UTC, which under load is many lines'."""
    second, rest = divmod(milliseconds, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _encoded(fields: dict[str, Any]) -> bytes:
    try:
        return _encoder.encode(fields)
    except (ValueError, OverflowError):  # half a surrogate pair, an integer of more than 64 bits
        return _forgiving.encode(fields).encode(*ENCODING)


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

    def render(line: Line, at: float) -> bytes:
        moment = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
        level = _level(line.level)
        message = lines(mask(line.message, secrets), indent="    ")
        shown = {"timestamp": moment, "level": level, "event": message}
        return str(console(None, level, shown)).encode(*ENCODING)

    return render
