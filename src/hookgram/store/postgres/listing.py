"""Pages for people (see ``ports.Journal``): a stretch of ids by an index, then what fits of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import structs

from hookgram.core.listing import DeliveryFilter, DeliveryPage, EventFilter, EventPage, TargetRow
from hookgram.core.model import MINUTE, Micros, State
from hookgram.store.postgres.rows import delivery_row_of, event_row_of, target_row_of, written
from hookgram.store.postgres.transaction import Row, View

LONGEST_PAGE = 500
LOOK = 1_000
"""The most rows a page looks at."""
MARGIN: Micros = MINUTE
"""Rows are numbered when committed, a little after their moment, and clocks are corrected."""
BELOW_ALL = 2**63 - 1

Numbered: TypeAlias = tuple[str, str]
"""Names of statements: the highest number, and the first row from a number on with its moment."""
DELIVERIES: Numbered = ("last_delivery", "delivery_from")
EVENTS: Numbered = ("last_event", "event_from")


async def choose(
    view: View, *, wanted: DeliveryFilter, start: int | None, oldest_first: bool, limit: int
) -> DeliveryPage:
    """List the deliveries that are wanted."""
    limit = min(max(limit, 0), LONGEST_PAGE)
    values = _values(wanted)
    bounds = await _bounds_of_deliveries(view, wanted, start, oldest_first=oldest_first)
    if wanted.ids is None:
        newest, oldest = _statements(wanted)
        where = values | bounds | {"stored": _stored(wanted.states)}
        stretch = await _stretch(view, oldest if oldest_first else newest, where)
    else:
        named = {one for one in wanted.ids if bounds["above"] < one < bounds["below"]}
        stretch = sorted(named, reverse=not oldest_first)[:LOOK]
    rows = await view.rows("fitting_deliveries", stretch=stretch, limit=limit, **values)
    return DeliveryPage(rows=tuple(map(delivery_row_of, rows)), next=_next(stretch, rows, limit))


def _statements(wanted: DeliveryFilter) -> tuple[str, str]:
    """Name what leads to the fewest rows: newest first, and oldest first."""
    if wanted.event_seq is not None:
        return "of_event_newest", "of_event_oldest"
    if wanted.states is not None and set(wanted.states) == {State.LEASED}:
        return "leased_newest", "leased_oldest"
    if wanted.target is not None or wanted.states is not None:
        return "of_target_newest", "of_target_oldest"
    return "any_newest", "any_oldest"


def _stored(states: Sequence[State] | None) -> list[int]:
    """Return the states as rows hold them: what is leased is pending and has a lease."""
    wanted = State if states is None else states
    return sorted({State.PENDING if state is State.LEASED else state for state in wanted})


async def _stretch(view: View, statement: str, values: dict[str, Any]) -> list[int]:
    return [row[0] for row in await view.rows(statement, **(values | {"look": LOOK}))]


def _next(stretch: Sequence[int], rows: Sequence[Row], limit: int) -> int | None:
    """Tell where the following page begins: behind the last row shown, or the last looked at."""
    if not limit or not stretch:
        return None
    if len(rows) == limit:
        last: int = rows[-1][0]
        return None if last == stretch[-1] and len(stretch) < LOOK else last
    return stretch[-1] if len(stretch) == LOOK else None


async def _bounds_of_deliveries(
    view: View, wanted: DeliveryFilter, start: int | None, *, oldest_first: bool
) -> dict[str, int]:
    """Return the ids between which to look; both are outside."""
    above, below = 0, BELOW_ALL if wanted.up_to is None else wanted.up_to + 1
    if start is not None:
        above, below = (max(above, start), below) if oldest_first else (above, min(below, start))
    if wanted.since is not None:  # a delivery is made after its event was received
        above = max(above, await _first(view, DELIVERIES, wanted.since - MARGIN) - 1)
    if wanted.ended_before is not None:  # and before it ends
        below = min(below, await _first(view, DELIVERIES, wanted.ended_before + MARGIN))
    return {"above": min(above, BELOW_ALL), "below": min(below, BELOW_ALL)}


async def _first(view: View, numbered: Numbered, moment: Micros) -> int:
    """Find by halves the lowest number whose row, or the next one's, is of *moment* or later."""
    last, row_from = numbered
    [[highest]] = await view.rows(last)
    low, high = 1, (highest or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = await view.row(row_from, id=middle)
        if row is None or row[1] >= moment:
            high = middle
        else:
            low = row[0] + 1
    return low


async def events(view: View, *, wanted: EventFilter, before: int | None, limit: int) -> EventPage:
    """List the events that are wanted, newest first."""
    limit = min(max(limit, 0), LONGEST_PAGE)
    bounds = {"above": 0, "below": BELOW_ALL if before is None else min(before, BELOW_ALL)}
    if wanted.since is not None:
        bounds["above"] = await _first(view, EVENTS, wanted.since - MARGIN) - 1
    if wanted.until is not None:
        bounds["below"] = min(bounds["below"], await _first(view, EVENTS, wanted.until + MARGIN))
    stretch = await _stretch(view, "events_newest", bounds)
    how = _values(wanted) | {"stretch": stretch, "limit": limit}
    rows = await view.rows("fitting_events", **how)
    states: dict[int, dict[State, int]] = {row[0]: {} for row in rows}
    for seq, state, count in await view.rows("states_of_events", events=list(states)):
        states[seq][State(state)] = count
    return EventPage(
        rows=tuple(event_row_of(row, states[row[0]]) for row in rows),
        next=_next(stretch, rows, limit),
    )


def _values(wanted: DeliveryFilter | EventFilter) -> dict[str, Any]:
    values = structs.asdict(wanted)
    values.pop("ids", None)
    for name in ("target", "reason", "kind"):
        if name in values:
            values[name] = written(values[name])
    return values


async def targets(view: View) -> list[TargetRow]:
    """List the targets that are not removed, with their counts."""
    counts: dict[int, dict[str, int]] = {}
    for target_id, name, value in await view.rows("counts_of_targets"):
        counts.setdefault(target_id, {})[name] = value
    rows = await view.rows("target_rows")
    due = {row[0]: row[1:] for row in await view.rows("oldest_due", targets=[r[0] for r in rows])}
    return [
        target_row_of(row, counts.get(row[0], {}), _earliest(due.get(row[0], ()))) for row in rows
    ]


def _earliest(moments: Sequence[Micros | None]) -> Micros | None:
    return min((moment for moment in moments if moment is not None), default=None)
