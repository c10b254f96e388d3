"""Options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias, TypeVar

import typer

from hookgram.cli.moments import duration_of, moment_of
from hookgram.cli.place import now
from hookgram.core.listing import SETTLED, UNSETTLED
from hookgram.core.model import Micros, State

T = TypeVar("T")
MOST_LISTED = 500
LARGEST = 2**63 - 1
"""What the store's integers can be."""

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Limit: TypeAlias = Annotated[
    int, typer.Option(min=1, max=MOST_LISTED, help="How many to list at most.")
]
TargetName: TypeAlias = Annotated[str | None, typer.Option("--target", help="Only of this target.")]
Kind: TypeAlias = Annotated[
    str | None, typer.Option(help="Only updates of this kind, like message.")
]
Chat: TypeAlias = Annotated[
    int | None,
    typer.Option(min=-LARGEST, max=LARGEST, help="Only updates of this chat (its id)."),
]
StateName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--state",
        help="Only with a delivery in this state: waiting, pending, leased, delivered, dead, "
        "cancelled; or unsettled for the first three.",
    ),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Only received since then: an age like 30m, 12h, 7d, or a date."),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option(help="Only received before then: an age or a date.")
]
Reason: TypeAlias = Annotated[
    str | None, typer.Option(help="Only those whose reason begins so, like http_5 or too_old.")
]
OlderThan: TypeAlias = Annotated[
    str | None, typer.Option(help="Only those that died at least so long ago, like 7d.")
]
Replayed: TypeAlias = Annotated[
    bool | None,
    typer.Option("--replayed/--not-replayed", help="Only those that were replayed, or were not."),
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Everything: TypeAlias = Annotated[bool, typer.Option("--all", help="Mean all of them.")]

STATES = {state.name.lower(): (state,) for state in State} | {"unsettled": UNSETTLED}


def states(name: str | None) -> tuple[State, ...] | None:
    """Return the states of ``--state``."""
    if name is None:
        return None
    if name.lower() not in STATES:
        raise typer.BadParameter(f"{name!r} is no state; use one of {', '.join(STATES)}")
    return STATES[name.lower()]


def settled(name: str | None) -> tuple[State, ...] | None:
    """Return the states of ``--state`` where only what has ended is meant."""
    found = states(name)
    if found is not None and not set(found) <= set(SETTLED):
        raise typer.BadParameter(f"what is {name} is on its way; use delivered, dead or cancelled")
    return found


def moment(text: str | None) -> Micros | None:
    """Return the moment of ``--since`` or ``--until``."""
    return None if text is None else _read(lambda: moment_of(text, now()))


def ended_before(age: str | None) -> Micros | None:
    """Return the moment that ``--older-than`` means."""
    return None if age is None else max(0, now() - _read(lambda: duration_of(age)))


def _read(reading: Callable[[], T]) -> T:
    try:
        return reading()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def event_name(text: str) -> str | int:
    """Read an event's id (``evt_…``) or its number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def chosen(named: Sequence[object], *filters: object, everything: bool) -> None:
    """Check that an order says whom it means: ids, or a filter, or all; a usage error otherwise."""
    filtered = any(value is not None for value in filters)
    if named and (filtered or everything):
        raise typer.BadParameter("name them or filter them, not both")
    if everything and filtered:
        raise typer.BadParameter("--all and a filter contradict each other: leave out one")
    if not (named or filtered or everything):
        raise typer.BadParameter("say which: name them, give a filter, or --all")
