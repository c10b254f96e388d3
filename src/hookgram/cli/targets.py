"""``hookgram targets``: where events go, how far behind each is, and what to do about one."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from hookgram.cli import document, options, place, screen
from hookgram.cli.moments import ago
from hookgram.cli.screen import Column, many
from hookgram.core.listing import TargetRow
from hookgram.core.model import Micros
from hookgram.ports import Journal, Store
from hookgram.usecases import targets as usecase

targets = typer.Typer(help="Where events go, and how far behind each is.", no_args_is_help=True)

COLUMNS = (
    Column("target"),
    Column("state", fixed=True),
    Column("goes to"),
    Column("unsettled", fixed=True),
    Column("due", fixed=True),
    Column("delivered", fixed=True),
    Column("dead", fixed=True),
    Column("created", wide=True),
    Column("from", wide=True),
)
REST = "The gateway cancels what is left of its work: at once if it runs, else when it starts."
Name = Annotated[str, typer.Argument(metavar="NAME", help="The target's name.")]


@targets.command("list")
def list_targets(*, as_json: options.Json = False) -> None:
    """List targets: state, where each goes, what is unsettled, delivered and dead.

    An orphaned target is one that the gateway's configuration no longer names: its work waits.

    For example: hookgram targets list --json
    """

    async def work(journal: Journal) -> list[TargetRow]:
        return await journal.targets()

    rows = place.look(work)
    if as_json:
        screen.say(document.text({"targets": [document.target(row) for row in rows]}))
    elif rows:
        screen.table(COLUMNS, [_cells(row, place.now()) for row in rows])
    else:
        screen.hint("There is no target yet: the gateway makes them known when it starts.")


def _cells(row: TargetRow, now: Micros) -> tuple[object, ...]:
    return (
        row.name,
        row.state,
        ", ".join(row.hosts),
        row.unsettled,
        None if row.oldest_due is None else ago(row.oldest_due, now),
        row.delivered,
        row.dead_kept,
        row.created,
        row.origin.value,
    )


@targets.command("pause")
def pause(name: Name) -> None:
    """Let a target's work wait: nothing is sent and nothing is lost until it is resumed.

    For example: hookgram targets pause shop
    """
    place.order(lambda store: store.pause(name))
    screen.say(f"Target {name} is paused; its work waits.")


@targets.command("resume")
def resume(name: Name) -> None:
    """Let a paused target's work go on.

    For example: hookgram targets resume shop
    """
    place.order(lambda store: store.resume(name))
    screen.say(f"Target {name} is resumed; what is due goes out now.")


@targets.command("remove")
def remove(
    name: Name,
    *,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Also if it is configured: its work is cancelled, and the gateway makes it anew.",
        ),
    ] = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Forget a target and cancel what is still owed to it; its dead letters stay.

    Only this cancels work. A target that is still configured is not removed: take it out of the
    configuration and restart the gateway first. For example: hookgram targets remove old --dry-run
    """

    async def work(store: Store) -> None:
        row = await usecase.named(store, name)
        usecase.check_removable(row, anyway=anyway)
        work_left = many(row.unsettled, "unsettled delivery", "unsettled deliveries")
        if dry_run:
            _tell(row, 0, dry_run=True, as_json=as_json)
            return
        if not screen.agreed(f"Remove target {name} and cancel {work_left}?", yes=yes):
            screen.hint("Nothing was changed.")
            raise typer.Exit(1)
        try:
            with screen.bar("cancelling", row.unsettled) as bar:
                cancelled = await usecase.remove(store, store, name, tell=bar)
        except asyncio.CancelledError:
            screen.hint(f"Stopped: target {name} is removed. {REST}")
            raise
        _tell(row, cancelled, dry_run=False, as_json=as_json)

    place.order(work)


def _tell(row: TargetRow, cancelled: int, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        told = {"dry_run": dry_run, "unsettled": row.unsettled, "cancelled": cancelled}
        screen.say(document.text({"target": row.name, **told}))
    elif dry_run:
        work = many(row.unsettled, "unsettled delivery", "unsettled deliveries")
        screen.say(f"Would remove target {row.name} and cancel {work}; nothing was changed.")
    else:
        ended = many(cancelled, "delivery", "deliveries")
        screen.say(f"Target {row.name} is removed; {ended} cancelled.")
        if usecase.configured(row):
            screen.say("It is still configured: a running gateway has made it anew, with no work.")
