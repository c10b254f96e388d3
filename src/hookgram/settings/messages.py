"""What is wrong with a value in words, with what to use instead; never the value of a secret."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hookgram.core.redact import mask
from hookgram.settings.derived import Settings
from hookgram.settings.knobs import Chats

LONGEST_SHOWN = 40
NO_BOT = "BOT_TOKEN: is not set; get a token from @BotFather and set it"


def told(error: ValidationError, failed: Collection[str]) -> list[str]:
    """Say each problem once. *failed* settings have been told of and are not missing."""
    problems = [_told(one) for one in error.errors() if _name(one) not in failed]
    return list(dict.fromkeys(problems))


def _name(error: ErrorDetails) -> str:
    return str(error["loc"][0]).upper()


def _told(error: ErrorDetails) -> str:
    name = _name(error)
    field = Settings.model_fields[name.lower()]
    if error["type"] == "setting":
        return f"{name}: {error['msg']}"
    use = _use(field)
    if use is None:
        return f"{name}: is no readable text; write it in UTF-8"
    shown = mask(repr(error["input"]))[:LONGEST_SHOWN]
    return f"{name}: {shown} is not possible; use {use}"


def _use(field: FieldInfo) -> str | None:
    """Say what a setting can be; None where a value may be private and must not be shown."""
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        *most, last = get_args(kind)
        return f"{', '.join(most)} or {last}"
    if kind is bool:
        return "true or false"
    if kind == get_args(Chats)[0]:
        return "numbers with commas between them, like 12345678,-1001234567890"
    if kind in (int, float):
        return f"{'a whole number' if kind is int else 'a number'} from {_range(field)}"
    return None


def _range(field: FieldInfo) -> str:
    ends: dict[str, Any] = {}
    for limit in field.metadata:
        ends |= {end: getattr(limit, end) for end in ("ge", "le") if hasattr(limit, end)}
    return f"{ends['ge']} to {ends['le']}"
