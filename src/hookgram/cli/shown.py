"""Events, deliveries and attempts as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from hookgram.cli import screen
from hookgram.cli.moments import ago, local, span
from hookgram.core.model import UNPARSED, AttemptRow, DeliveryRow, Event, Micros, State
from hookgram.core.redact import mask
from hookgram.core.visible import one_line
from hookgram.usecases.search import ShownDelivery

LONGEST_BODY = 16_384
"""How many bytes of a body are shown to people; ``--raw`` prints all."""
LONGEST_EXCERPT = 300


def listing(
    columns: Sequence[screen.Column],
    rows: Sequence[Sequence[Any]],
    following: int | None,
    limit: int,
    what: str,
) -> None:
    """Print a page as a table and, beside it, how to go on."""
    if rows:
        screen.table(columns, rows)
    elif following is None:
        screen.hint(f"There is no such {what}.")
    if following is None:
        return
    if len(rows) < limit:
        found = screen.many(len(rows), what)
        screen.hint(f"{found} found so far; what is older was not looked through yet.")
    screen.hint(f"Go on with the same command and --before {following}")


def states(counted: Mapping[State, int]) -> str:
    """Spell how many deliveries are in which state."""
    return ", ".join(f"{count} {state.name.lower()}" for state, count in sorted(counted.items()))


def event(one: Event, now: Micros) -> Iterator[str]:
    """Spell an event without its body."""
    came = f"{local(one.received_at)} ({ago(one.received_at, now)})"
    facts = {
        "event": f"{one.seq}  {one.event_id}",
        "kind": one.kind,
        "update": one.update_id,
        "chat": one.chat_id,
        "user": one.user_id,
        "lane": one.lane,
        "received": came,
        "size": f"{len(one.body):,} bytes",
    }
    for name, value in facts.items():
        if value is not None:
            yield f"{name:<9} {one_line(str(value))}"


def delivery(shown: ShownDelivery, now: Micros) -> Iterator[str]:
    """Spell a delivery and what is kept of its attempts."""
    row = shown.delivery
    yield f"delivery {row.delivery_id} to {one_line(row.target)}: {_fate(row, now)}"
    if row.replay_of is not None:
        yield f"  repeats delivery {row.replay_of}"
    if row.replayed_as is not None:
        yield f"  replayed as delivery {row.replayed_as}"
    for one in shown.attempts:
        yield from attempt(one)


def _fate(row: DeliveryRow, now: Micros) -> str:
    tries = screen.many(row.attempts, "attempt")
    reason = f", {one_line(row.reason)}" if row.reason else ""
    if row.ended_at is not None:
        return f"{row.state.name.lower()} {ago(row.ended_at, now)}, {tries}{reason}"
    due = f", due {ago(row.due_at, now)}" if row.state is State.PENDING else ""
    return f"{row.state.name.lower()}, {tries}{due}{reason}"


def attempt(row: AttemptRow) -> Iterator[str]:
    """Spell an attempt; below it what each member of a group, or Telegram to a reply, answered."""
    head = f"  attempt {row.number}  {local(row.started_at)}  {span(row.took)}"
    members = msgspec.json.decode(row.members) if row.members is not None else []
    if members and row.status is None and row.error is None:
        yield head
    else:
        yield f"{head}  {_answer(row.status, row.error, row.excerpt)}"
    for member in members:
        yield "    " + "  ".join(_member(member))


def _member(member: Mapping[str, Any]) -> Iterator[str]:
    yield one_line(member["name"])
    reply = [member[name] for name in ("method", "ending") if member.get(name)]
    if reply:
        yield one_line(" ".join(reply))
    status, error = member["status"], member["error"]
    said = member.get("excerpt") if error is None else error
    yield _answer(status, error, said if status is not None else None)


def _answer(status: int | None, error: str | None, excerpt: str | None) -> str:
    told = str(status) if status is not None else one_line(mask(error or "no answer"))
    said = one_line(mask(excerpt or ""))
    cut = said[:LONGEST_EXCERPT] + ("…" if len(said) > LONGEST_EXCERPT else "")
    return f"{told}  {cut}".rstrip()


def body(one: Event) -> Iterator[str]:
    """Spell an event's body, laid out if it is JSON; a very long one is cut."""
    text = one.body
    if one.kind != UNPARSED:
        with suppress(msgspec.DecodeError):
            text = msgspec.json.format(text, indent=2)
    yield text[:LONGEST_BODY].decode("utf-8", "replace")
    if len(text) > LONGEST_BODY:
        yield "… cut here; all of it, as it came: add --raw"
