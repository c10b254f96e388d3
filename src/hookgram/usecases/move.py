"""Moving what is owed from one store to another, step by step, so that it can be cut anywhere.

The source is marked first and unmarked by nobody but ``give_up``; the destination keeps how far it
is in the transaction that keeps the rows. So a second run goes on exactly where the first was cut.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec import Struct

from hookgram.core.move import Line, Mark, Parcel, compared
from hookgram.errors import NotFound, Refused
from hookgram.ports import MoveDestination, MoveSource


class Outcome(Struct, frozen=True, kw_only=True):
    """What a move came to: what was counted at both ends, thing by thing."""

    lines: tuple[Line, ...]

    @property
    def equal(self) -> bool:
        """Whether all that was to be carried is there, and nothing else."""
        return all(line.equal for line in self.lines)


async def check(source: MoveSource, destination: MoveDestination) -> Mark | None:
    """Look whether a move can begin, or go on from where the destination's mark says.

    Changes nothing. Raises Refused.
    """
    left, arrived = await source.mark(), await destination.mark()
    if arrived is not None and (left is None or left.move_id != arrived.move_id):
        held = "a part of another move" if arrived.ended_at is None else "what was moved before"
        raise Refused(f"{destination.name} holds {held}: name a database that is empty")
    if left is not None and left.ended_at is not None and arrived is None:
        raise Refused(
            f"all this was moved to {left.destination} already. To move it once more, first say "
            "that nothing there counts: hookgram move --from … --give-up"
        )
    return arrived


async def begin(source: MoveSource, destination: MoveDestination, made: str) -> Mark:
    """Begin the move, or go on with one that was cut; return the destination's mark.

    *made*: a name for the move, if none began. Raises Refused, and then nothing is changed.
    """
    await check(source, destination)
    left = await source.mark()
    if left is not None:
        return await destination.begin(left.move_id)
    await source.begin(made, destination.name)
    try:
        return await destination.begin(made)
    except Refused:
        await source.give_up()
        raise


async def carry(
    source: MoveSource, destination: MoveDestination, mark: Mark
) -> AsyncIterator[Parcel]:
    """Carry what is left; tells each parcel when it is kept."""
    place = mark.place
    while (parcel := await source.parcel(place)) is not None:
        await destination.take(mark.move_id, parcel, after=place)
        place = parcel.place
        yield parcel


async def end(source: MoveSource, destination: MoveDestination, mark: Mark) -> Outcome:
    """Count at both ends, and end the move if they are equal; else both stay closed.

    The source comes first: were this cut between the two, no other destination could be filled
    from it.
    """
    lines = compared(await source.count(), await destination.count())
    outcome = Outcome(lines=tuple(lines))
    if outcome.equal:
        await source.end()
        await destination.end(mark.move_id, await source.last_numbers())
    return outcome


async def give_up(source: MoveSource) -> Mark:
    """Let a gateway work on the source again; return what was known of the move.

    Raises NotFound if none began.
    """
    mark = await source.mark()
    if mark is None:
        raise NotFound("no move began here; nothing was changed")
    await source.give_up()
    return mark
