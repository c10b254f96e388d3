"""What the log says of each fact, rendered by the code that renders it, of made-up facts."""

from __future__ import annotations

import logging
import types
import typing
from collections.abc import Iterator
from typing import Any

from msgspec.structs import fields

from hookgram.cli.reference.tables import markdown
from hookgram.core import facts
from hookgram.core.outcome import Dead, Delivered, Released, Response, Retry
from hookgram.core.polling import RIVAL
from hookgram.core.replying import Ended, Ending
from hookgram.observe.lines import line_of

VALUES: dict[str, Any] = {
    "answer": Response(status=200, headers={}),
    "attempt": 1,
    "bot": "default",
    "bot_id": 123456,
    "bots": ("default",),
    "chat_id": 1234567890,
    "chat_kind": "private",
    "code": "no_secret",
    "delivery_id": 7,
    "duty": "polling/123456",
    "error": "ValueError: …",
    "event_id": "evt_01KG5Z9T3M8W2C4V6X8Z0B2D4F",
    "failures": 10,
    "host": "0.0.0.0",  # noqa: S104  (an example)
    "in_flight": 3,
    "kind": "message",
    "latency": 14_000,
    "message": "what an operator should know, with what to do about it",
    "port": 8000,
    "reason": "the reason",
    "role": "all",
    "seq": 5,
    "settlement": Delivered(),
    "status": 403,
    "target": "target",
    "took": 12_000,
    "update_id": 10000,
    "version": "1.2.3",
    "wait": 30_000_000,
    "where": "worker",
}
"""What a made-up fact holds, by the field's name; others by their type."""
BY_TYPE: dict[Any, Any] = {bool: True, int: 2, str: "…", tuple[str, ...]: ("target",)}
_FAILED = Response(status=500, headers={})
VARIANTS: dict[type[facts.Fact], tuple[dict[str, Any], ...]] = {
    facts.DeliverySettled: (
        {},
        {
            "settlement": Retry(wait=2_000_000, failures=1, reason="http_500"),
            "answer": _FAILED,
        },
        {"settlement": Dead(reason="http_500", failures=6), "answer": _FAILED, "attempt": 6},
        {"settlement": Released(), "answer": None},
    ),
    facts.DeadOnArrival: ({"reason": "rate_limited"},),
    facts.GatewayStarted: (
        {},
        {"host": None, "port": None},
        {"role": "ingest"},
        {"role": "worker"},
    ),
    facts.IngestRejected: ({"reason": "wrong or missing secret"},),
    facts.PollingHindered: (
        {
            "reason": RIVAL.code,
            "message": RIVAL.message,
            "advice": RIVAL.advice,
            "said": "Telegram says: Conflict: terminated by other getUpdates request",
            "wait": 5_000_000,
        },
    ),
    facts.ReplyEnded: (
        {"ended": Ended(ending=Ending.EXECUTED, method="sendMessage", status=200, took=42_000)},
        {
            "ended": Ended(
                ending=Ending.REFUSED,
                method="sendMessage",
                status=403,
                error="Forbidden: bot was blocked by the user",
            )
        },
    ),
    facts.StoreFailed: (
        {"reason": "the disk is full", "broken": False},
        {"reason": "disk I/O error", "broken": True},
    ),
    facts.UpdateRefused: ({"first": True}, {"first": False}),
}
"""The fields that make a fact read differently."""


def lines() -> str:
    """Print a line of the log for each thing that can happen."""
    rendered = [line_of(fact) for kind in kinds() for fact in samples(kind)]
    rows = [(logging.getLevelName(line.level).lower(), line.message) for line in rendered]
    return markdown(("level", "line"), rows)


def facts_of_lines() -> str:
    """Print what each kind of line tells, and its fields."""
    rows = [(f"`{kind.__name__}`", _promise(kind), _fields_of(kind)) for kind in kinds()]
    return markdown(("fact", "what happened", "fields beside `ts`, `level`, `message`"), rows)


def _promise(kind: type[facts.Fact]) -> str:
    return (kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def _fields_of(kind: type[facts.Fact]) -> str:
    names = dict.fromkeys(name for fact in samples(kind) for name in line_of(fact).fields)
    return ", ".join(f"`{name}`" for name in names if name != "message")


def kinds() -> Iterator[type[facts.Fact]]:
    """Yield every kind of fact there is."""
    for value in vars(facts).values():
        if isinstance(value, type) and issubclass(value, facts.Fact) and value is not facts.Fact:
            yield value


def samples(kind: type[facts.Fact]) -> list[facts.Fact]:
    """Make up facts of a kind: one for each way in which it can read."""
    made_up = {field.name: _value(kind, field.name) for field in fields(kind)}
    return [kind(**(made_up | variant)) for variant in VARIANTS.get(kind, ({},))]


def _value(kind: type[facts.Fact], name: str) -> Any:
    if name in VALUES:
        return VALUES[name]
    hint = typing.get_type_hints(kind)[name]
    if isinstance(hint, types.UnionType):
        hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
    return BY_TYPE.get(hint, "…")
