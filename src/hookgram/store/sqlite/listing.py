"""Pages for people (see ``ports.Journal``): a stretch of ids by an index, then what fits of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import structs

from hookgram.core.listing import (
    DeliveryFilter,
    DeliveryPage,
    EventFilter,
    EventPage,
    TargetRow,
)
from hookgram.core.model import MINUTE, Micros, Priority, State
from hookgram.store.sqlite.rows import delivery_row_of, event_row_of, target_row_of
from hookgram.store.sqlite.transaction import Row, View

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


def choose(
    view: View, wanted: DeliveryFilter, start: int | None, *, oldest_first: bool, limit: int
) -> DeliveryPage:
    """List the deliveries that are wanted."""
    limit = min(max(limit, 0), LONGEST_PAGE)
    values = _values(wanted) | {"limit": limit}
    bounds = _bounds_of_deliveries(view, wanted, start, oldest_first=oldest_first)
    if wanted.ids is None:
        newest, oldest = _statements(wanted)
        where = (
            values | bounds | {"states": _json(State if wanted.states is None else wanted.states)}
        )
        stretch = _stretch(view, oldest if oldest_first else newest, where)
    else:
        named = {one for one in wanted.ids if bounds["above"] < one < bounds["below"]}
        stretch = sorted(named, reverse=not oldest_first)[:LOOK]
    rows = view.rows("fitting_deliveries", values | {"stretch": _json(stretch)})
    return DeliveryPage(rows=tuple(map(delivery_row_of, rows)), next=_next(stretch, rows, limit))


def _statements(wanted: DeliveryFilter) -> tuple[str, str]:
    """Name what leads to the fewest rows: newest first, and oldest first."""
    if wanted.event_seq is not None:
        return "of_event_newest", "of_event_oldest"
    if wanted.target is not None or wanted.states is not None:
        return "of_target_newest", "of_target_oldest"
    return "any_newest", "any_oldest"


def _stretch(view: View, statement: str, values: dict[str, Any]) -> list[int]:
    return [number for (number,) in view.rows(statement, values | {"look": LOOK})]


def _next(stretch: Sequence[int], rows: Sequence[Row], limit: int) -> int | None:
    """Tell where the following page begins: behind the last row shown, or the last looked at."""
    if not limit or not stretch:
        return None
    if len(rows) == limit:
        last = rows[-1][0]
        return None if last == stretch[-1] and len(stretch) < LOOK else last
    return stretch[-1] if len(stretch) == LOOK else None


def _bounds_of_deliveries(
    view: View, wanted: DeliveryFilter, start: int | None, *, oldest_first: bool
) -> dict[str, int]:
    """Return the ids between which to look; both are outside."""
    above, below = 0, BELOW_ALL if wanted.up_to is None else wanted.up_to + 1
    if start is not None:
        above, below = (max(above, start), below) if oldest_first else (above, min(below, start))
    if wanted.since is not None:  # a delivery is made after its event was received
        above = max(above, _first(view, DELIVERIES, wanted.since - MARGIN) - 1)
    if wanted.ended_before is not None:  # and before it ends
        below = min(below, _first(view, DELIVERIES, wanted.ended_before + MARGIN))
    return {"above": above, "below": below}


def _first(view: View, numbered: Numbered, moment: Micros) -> int:
    """Find by halves the lowest number whose row, or the next one's, is of *moment* or later."""
    last, row_from = numbered
    [[highest]] = view.rows(last)
    low, high = 1, (highest or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = view.row(row_from, {"id": middle})
        if row is None or row[1] >= moment:
            high = middle
        else:
            low = row[0] + 1
    return low


def events(view: View, wanted: EventFilter, before: int | None, limit: int) -> EventPage:
    """List the events that are wanted, newest first."""
    limit = min(max(limit, 0), LONGEST_PAGE)
    values = _values(wanted) | {"limit": limit}
    bounds = {"above": 0, "below": BELOW_ALL if before is None else before}
    if wanted.since is not None:
        bounds["above"] = _first(view, EVENTS, wanted.since - MARGIN) - 1
    if wanted.until is not None:
        bounds["below"] = min(bounds["below"], _first(view, EVENTS, wanted.until + MARGIN))
    stretch = _stretch(view, "events_newest", bounds)
    rows = view.rows("fitting_events", values | {"stretch": _json(stretch)})
    states: dict[int, dict[State, int]] = {row[0]: {} for row in rows}
    for seq, state, count in view.rows("states_of_events", {"events": _json(states)}):
        states[seq][State(state)] = count
    return EventPage(
        rows=tuple(event_row_of(row, states[row[0]]) for row in rows),
        next=_next(stretch, rows, limit),
    )


def _values(wanted: DeliveryFilter | EventFilter) -> dict[str, Any]:
    values = structs.asdict(wanted)
    values.pop("ids", None)
    if wanted.states is not None:
        values["states"] = _json(wanted.states)
    return values


def _json(numbers: Any) -> str:
    return msgspec.json.encode([int(number) for number in numbers]).decode()


def targets(view: View) -> list[TargetRow]:
    """List the targets that are not removed, with their counts."""
    counts: dict[int, dict[str, int]] = {}
    for target_id, name, value in view.rows("counts_of_targets"):
        counts.setdefault(target_id, {})[name] = value
    return [
        target_row_of(row, counts.get(row[0], {}), _oldest_due(view, row[0]))
        for row in view.rows("target_rows")
    ]


def _oldest_due(view: View, target_id: int) -> Micros | None:
    heads = [
        view.rows("next_due", {"target_id": target_id, "priority": priority})[0][0]
        for priority in Priority
    ]
    return min((due for due in heads if due is not None), default=None)
