"""Bulk orders as people give them: counted first, asked about, done with a bar, cut by Ctrl-C."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import typer
from msgspec import Struct

from hookgram.cli import document, place, screen
from hookgram.cli.screen import many
from hookgram.cli.stopping import stop_by_signal
from hookgram.core.listing import DeliveryFilter
from hookgram.ports import Journal, Store
from hookgram.usecases import bulk
from hookgram.usecases.bulk import Counted, Done

Run: TypeAlias = Callable[[DeliveryFilter], AsyncIterator[Done]]
Choose: TypeAlias = Callable[[Journal], Awaitable[Sequence[DeliveryFilter]]]
"""Says what an order concerns; raises what is wrong with what was named."""


class Order(Struct, frozen=True, kw_only=True):
    """What is ordered, in the words of the command, and how far it may go by itself."""

    verb: str
    done: str
    what: str
    plural: str
    nothing: str
    """Says that there is nothing to do it with."""
    again: str
    """Says how to go on after it was cut; ``{last}`` is the last delivery it came to."""
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False


def replay(order: Order, choose: Choose, *, after: int = 0) -> None:
    """Replay what is chosen, from behind the delivery *after*."""

    async def work(store: Store) -> None:
        def run(wanted: DeliveryFilter) -> AsyncIterator[Done]:
            return bulk.replay(store, store, wanted, breathe=place.breathe, after=after)

        await _carry_out(store, order, await choose(store), run, after)

    place.order(work)


def purge(order: Order, choose: Choose) -> None:
    """Purge the dead letters that are chosen."""

    async def work(store: Store) -> None:
        def run(wanted: DeliveryFilter) -> AsyncIterator[Done]:
            return bulk.purge(store, store, wanted, breathe=place.breathe)

        await _carry_out(store, order, await choose(store), run)

    place.order(work)


async def _carry_out(
    journal: Journal, order: Order, chosen: Sequence[DeliveryFilter], run: Run, after: int = 0
) -> None:
    """Count, ask, and do it; the filters decide what, whatever a page had shown."""
    wanted = [await bulk.until_now(journal, one) for one in chosen]
    found = await _counted(journal, order, wanted, after)
    if order.dry_run or not found.total:
        _tell(order, found, Done())
        return
    question = f"{order.verb.capitalize()} {_of_targets(order, found)}?"
    if not screen.agreed(question, yes=order.yes):
        screen.hint("Nothing was changed.")
        raise typer.Exit(1)
    _tell(order, found, await _done(order, found, [run(one) for one in wanted]))


async def _counted(
    journal: Journal, order: Order, wanted: Sequence[DeliveryFilter], after: int
) -> Counted:
    total = Counted()
    with screen.bar(f"counting {order.plural}", 0) as bar:
        for one in wanted:
            found = Counted()
            async for found in bulk.count(journal, one, after=after):
                bar(total.total + found.total)
            total += found
    return total


async def _done(order: Order, found: Counted, runs: Sequence[AsyncIterator[Done]]) -> Done:
    """Do it, step by step, until all is done or a signal comes between two steps."""
    so_far = Done()
    with stop_by_signal() as stop, screen.bar(order.verb, found.total) as bar:
        async for so_far in _summed(runs):
            bar(so_far.done + so_far.gone)
            if stop.is_set():
                break
    if stop.is_set() and so_far.done + so_far.gone < found.total:
        told = f"Stopped: {so_far.done:,} of {many(found.total, order.what, order.plural)}"
        screen.hint(
            f"{told} {order.done}, the rest is as it was. {order.again.format(last=so_far.last)}"
        )
        raise typer.Exit(1)
    return so_far


async def _summed(runs: Sequence[AsyncIterator[Done]]) -> AsyncIterator[Done]:
    before = so_far = Done()
    for steps in runs:
        async for step in steps:
            so_far = before + step
            yield so_far
        before = so_far


def _of_targets(order: Order, found: Counted) -> str:
    names = sorted(found.found)
    counted = many(found.total, order.what, order.plural)
    if len(names) == 1:
        return f"{counted} of target {names[0]}"
    return f"{counted} of {many(len(names), 'target')}" if names else counted


def _tell(order: Order, found: Counted, done: Done) -> None:
    if order.as_json:
        told: dict[str, Any] = {
            "dry_run": order.dry_run,
            "matched": found.total,
            "matched_by_target": found.found,
            order.done: done.done,
            "gone": done.gone,
        }
        screen.say(document.text(told))
    elif not found.total:
        screen.say(order.nothing)
    elif order.dry_run:
        screen.say(f"Would {order.verb} {_of_targets(order, found)}; nothing was changed.")
    else:
        gone = f" {done.gone:,} had gone meanwhile." if done.gone else ""
        told_done = many(done.done, order.what, order.plural)
        screen.say(f"{order.done.capitalize()}: {told_done}.{gone}")
