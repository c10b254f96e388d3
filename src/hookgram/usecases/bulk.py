"""Orders that concern many deliveries: replayed or purged, a page in a transaction, oldest first.

Each yields how far it is after every transaction; whoever stops listening stops it there, with
everything done so far kept. New rows that arrive meanwhile are none of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from hookgram.core.listing import SETTLED, DeliveryFilter
from hookgram.core.model import DeliveryRow, State
from hookgram.errors import NotFound, Refused
from hookgram.ports import Journal, TargetBook

Breathe: TypeAlias = Callable[[], Awaitable[None]]
"""Lets others write between two transactions."""


AT_ONCE = 500
"""The most deliveries that can be named, not filtered."""


class Done(Struct, frozen=True, kw_only=True):
    """How far an order has come: how many were *done* and how many had *gone* meanwhile.

    ``last`` is the delivery behind which it would go on.
    """

    done: int = 0
    gone: int = 0
    last: int = 0

    def __add__(self, step: Done) -> Done:
        """Add what another order has done after this one."""
        return Done(done=self.done + step.done, gone=self.gone + step.gone, last=step.last)


class Counted(Struct, frozen=True, kw_only=True):
    """How many deliveries a count has found so far, by target."""

    found: dict[str, int] = {}

    def __add__(self, other: Counted) -> Counted:
        """Add what another count has found."""
        names = {**self.found, **other.found}
        both = {name: self.found.get(name, 0) + other.found.get(name, 0) for name in names}
        return Counted(found=both)

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.found.values())


def replayable(wanted: DeliveryFilter) -> DeliveryFilter:
    """Narrow to what a replay of many takes: settled, of a target that is there, not replayed yet.

    What a replay names is left out, because that replay stands for it now. So an order for dead
    letters that was cut can be given again and goes on where it was.
    """
    states = tuple(s for s in SETTLED if wanted.states is None or s in wanted.states)
    return replace(wanted, states=states, replayed=False, replayable=True)


async def until_now(journal: Journal, wanted: DeliveryFilter) -> DeliveryFilter:
    """Leave out whatever comes after this moment."""
    newest = (await journal.choose(DeliveryFilter(), limit=1)).rows
    return replace(wanted, up_to=newest[0].delivery_id if newest else 0)


async def _pages(
    journal: Journal, wanted: DeliveryFilter, after: int
) -> AsyncIterator[tuple[DeliveryRow, ...]]:
    start: int | None = after
    while start is not None:
        page = await journal.choose(wanted, start=start, oldest_first=True)
        yield page.rows
        start = page.next


async def count(
    journal: Journal, wanted: DeliveryFilter, *, after: int = 0
) -> AsyncIterator[Counted]:
    """Count what an order would concern, by the very walk that it would take."""
    found: dict[str, int] = {}
    async for rows in _pages(journal, wanted, after):
        for row in rows:
            found[row.target] = found.get(row.target, 0) + 1
        yield Counted(found=dict(found))


async def replay(
    journal: Journal,
    book: TargetBook,
    wanted: DeliveryFilter,
    *,
    breathe: Breathe,
    after: int = 0,
) -> AsyncIterator[Done]:
    """Replay all that is wanted, in the order of old, so that lanes come in order."""
    so_far = Done(last=after)
    async for rows in _pages(journal, wanted, after):
        if rows:
            so_far = await _replay_page(book, rows, so_far)
            yield so_far
            await breathe()


async def _replay_page(book: TargetBook, rows: Sequence[DeliveryRow], so_far: Done) -> Done:
    ids = [row.delivery_id for row in rows]
    try:
        done = len(await book.replay(ids))
    except NotFound:  # one of them went between the look and the order
        done = sum([await _replay_one(book, delivery_id) for delivery_id in ids])
    return so_far + Done(done=done, gone=len(ids) - done, last=ids[-1])


async def _replay_one(book: TargetBook, delivery_id: int) -> bool:
    try:
        await book.replay([delivery_id])
    except NotFound:
        return False
    return True


async def purge(
    journal: Journal, book: TargetBook, wanted: DeliveryFilter, *, breathe: Breathe
) -> AsyncIterator[Done]:
    """Purge all dead letters that are wanted."""
    so_far = Done()
    async for rows in _pages(journal, replace(wanted, states=(State.DEAD,)), 0):
        if rows:
            ids = [row.delivery_id for row in rows]
            done = await book.purge(ids)
            so_far += Done(done=done, gone=len(ids) - done, last=ids[-1])
            yield so_far
            await breathe()


async def named_dead(
    journal: Journal, delivery_ids: Sequence[int], *, replayable: bool = False
) -> DeliveryFilter:
    """Return the filter of just these, if all are dead letters that (can be replayed and) exist.

    At most 500. Raises NotFound, or Refused with what to do instead.
    """
    ids = tuple(dict.fromkeys(delivery_ids))
    if len(ids) > AT_ONCE:
        raise Refused(f"at most {AT_ONCE} dead letters can be named at a time; use a filter")
    for delivery_id in ids:
        row = await journal.delivery(delivery_id)
        if row.state is not State.DEAD:
            raise Refused(
                f"delivery {delivery_id} is {row.state.name.lower()}, no dead letter; "
                f"see: hookgram events show {row.event_seq}"
            )
    wanted = DeliveryFilter(ids=ids, states=(State.DEAD,), replayable=replayable)
    there = {row.delivery_id for row in (await journal.choose(wanted)).rows}
    for delivery_id in ids:
        if delivery_id not in there:
            raise Refused(f"the target of dead letter {delivery_id} was removed: nobody to send to")
    return wanted
