"""What an administrator does with targets: removing one, with what that means for its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hookgram.core.definition import Origin
from hookgram.core.listing import TargetRow
from hookgram.errors import NotFound, Refused
from hookgram.ports import Journal, TargetBook

LOOK_AGAIN = 0.2
"""Seconds between two looks at how far a removal is."""


async def named(journal: Journal, name: str) -> TargetRow:
    """Return the target of that name. Raises NotFound, naming those there are."""
    rows = {row.name: row for row in await journal.targets()}
    if name not in rows:
        there = f"there are: {', '.join(rows)}" if rows else "there are none"
        raise NotFound(f"there is no target {name!r}; {there}")
    return rows[name]


def configured(row: TargetRow) -> bool:
    """Tell whether the gateway would make the target anew if it were removed."""
    return row.origin is not Origin.API and row.orphaned_at is None


def check_removable(row: TargetRow, *, anyway: bool) -> None:
    """Raise Refused if the target is configured, unless it shall be removed *anyway*."""
    if configured(row) and not anyway:
        raise Refused(
            f"target {row.name!r} is still configured, so the gateway would make it anew at once. "
            "Take it out of the configuration and restart the gateway first. Only to cancel its "
            f"{row.unsettled} unsettled deliveries: add --anyway. Only to hold them back: "
            f"hookgram targets pause {row.name}"
        )


async def remove(
    journal: Journal, book: TargetBook, name: str, *, tell: Callable[[int], None]
) -> int:
    """Remove the target and cancel its work; *tell* hears how many were cancelled so far.

    Returns how many in all, also those that a running gateway cancelled: it finishes what it finds
    begun. Raises NotFound.
    """

    async def cancelled() -> int:
        return (await journal.counts()).get((name, "cancelled"), 0) - before

    before = 0
    before = await cancelled()
    removing = asyncio.ensure_future(book.remove(name))
    while not removing.done():
        await asyncio.wait({removing}, timeout=LOOK_AGAIN)
        tell(await cancelled())
    await removing
    return await cancelled()
