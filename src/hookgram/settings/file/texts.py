"""What a text in the configuration file can be: each kind checks itself and says what to write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from hookgram.core.filter import EXPRESSION
from hookgram.core.formats.update import SECRET_TOKEN
from hookgram.core.kinds import KINDS
from hookgram.core.model import DAY, HOUR, MINUTE, SECOND, Micros
from hookgram.settings import checks, expressions

LIKENESS = 0.75
LONGEST_PATTERN = 256
LONGEST_VALUE = 8192
_UNITS: dict[str, Micros] = {
    "ms": SECOND // 1000,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
}
_DURATION = r"\d{1,6}(\.\d{1,3})?(ms|s|m|h|d)"
_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
_COMMAND = r"/[A-Za-z0-9_]{1,64}(@[A-Za-z0-9_]{1,64})?"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_OURS = frozenset(
    """
    accept-encoding connection content-encoding content-length content-type date expect host
    keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade user-agent
    """.split()  # noqa: SIM905  (sixteen lines of one word each say less)
) | {SECRET_TOKEN.lower()}
_OUR_PREFIXES = ("webhook-", "x-gateway-")


def refuse(why: str) -> PydanticCustomError:
    """Make the error that says *why*, in our words."""
    return PydanticCustomError("file", "{why}", {"why": why})


def micros(text: str) -> Micros:
    """Return what a duration means. Raises ValueError if it is none."""
    found = re.fullmatch(_DURATION, text)
    if found is None:
        raise ValueError("is no duration")
    return int(float(text.removesuffix(found[2])) * _UNITS[found[2]])


def _duration(least: Micros, most: Micros, ends: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            within = least <= micros(text) <= most
        except ValueError:
            raise refuse(f'is no duration; use {ends}, written like "5s", "10m" or "1h"') from None
        if not within:
            raise refuse(f"is too short or too long; use {ends}")
        return text

    return check


def _like(setting: str) -> Callable[[Any], Any]:
    """Check as the environment's setting of the same meaning is checked."""

    def check(given: Any) -> Any:
        wrong = checks.of_field(setting, given, {})
        if wrong is not None:
            raise refuse(wrong)
        return given

    return check


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise refuse("is no name; use 1 to 63 of a-z 0-9 _ -, beginning with a letter or digit")
    return text


def _kind(text: str) -> str:
    """Refuse what looks like a kind misspelt; a kind we have not heard of may be a new one."""
    if text in KINDS:
        return text
    close = difflib.get_close_matches(text.lower(), KINDS, n=1, cutoff=LIKENESS)
    if close:
        raise refuse(f'"{text}" is no kind; did you mean "{close[0]}"?')
    if not re.fullmatch(r"[a-z][a-z_]{0,63}", text):
        raise refuse('is no kind; use names of Telegram\'s, like "message" or "callback_query"')
    return text


def _command(text: str) -> str:
    if not re.fullmatch(_COMMAND, text):
        raise refuse('is no command; write it like "/start" or "/start@shop_bot"')
    return text.lower()


def _pattern(text: str) -> str:
    if not 0 < len(text) <= LONGEST_PATTERN:
        raise refuse(f"is empty or too long; use at most {LONGEST_PATTERN} characters")
    if text.startswith(EXPRESSION) and (why := expressions.wrong(text.removeprefix(EXPRESSION))):
        raise refuse(f"is no RE2 expression ({why}); see github.com/google/re2/wiki/Syntax")
    return text


def header_name(text: str) -> str:
    """Check the name of a header of the operator's own."""
    if not _TOKEN.fullmatch(text):
        raise refuse("is no name of a header; use letters, digits and -")
    if text.lower() in _OURS or text.lower().startswith(_OUR_PREFIXES):
        raise refuse("is a header that the gateway sets itself; leave it out")
    return text


def _header_value(given: SecretStr) -> SecretStr:
    text = given.get_secret_value()
    if not (text.isascii() and text.isprintable() and len(text) <= LONGEST_VALUE):
        raise refuse("cannot be sent in a header; use plain ASCII on one line")
    return given


def _shown(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


_HIDDEN = WithJsonSchema({"type": "string"})

Name = Annotated[str, AfterValidator(_name), _shown(_NAME)]
Timeout = Annotated[
    str, AfterValidator(_duration(SECOND // 10, 10 * MINUTE, "100ms to 10m")), _shown(_DURATION)
]
Wait = Annotated[
    str, AfterValidator(_duration(SECOND // 100, HOUR, "10ms to 1h")), _shown(_DURATION)
]
Url = Annotated[str, Field(repr=False), AfterValidator(_like("target_webhook_url"))]
Token = Annotated[SecretStr, AfterValidator(_like("bot_token")), _HIDDEN]
SecretToken = Annotated[SecretStr, AfterValidator(_like("telegram_secret_token")), _HIDDEN]
SigningSecret = Annotated[SecretStr, AfterValidator(_like("outbound_secret")), _HIDDEN]
HeaderName = Annotated[str, AfterValidator(header_name)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value), _HIDDEN]
Kind = Annotated[str, AfterValidator(_kind)]
Command = Annotated[str, AfterValidator(_command), _shown(_COMMAND)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Id = Annotated[int, Field(ge=-(2**63), lt=2**63)]
