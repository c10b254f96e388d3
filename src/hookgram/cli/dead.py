"""``hookgram dead``: what could not be delivered; why, once more, or away with it."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

from hookgram.cli import document, options, orders, place, screen, shown
from hookgram.cli.moments import ago
from hookgram.cli.orders import Order
from hookgram.cli.screen import Column
from hookgram.core.listing import DeliveryFilter, DeliveryPage
from hookgram.core.model import Event, State
from hookgram.ports import Journal
from hookgram.usecases import bulk
from hookgram.usecases.search import ShownDelivery, find_deliveries, show_delivery

dead = typer.Typer(
    help="What could not be delivered: why, once more, or away with it.", no_args_is_help=True
)

COLUMNS = (
    Column("dead", fixed=True),
    Column("event", fixed=True),
    Column("died", fixed=True),
    Column("target"),
    Column("kind"),
    Column("reason"),
    Column("tries", fixed=True),
    Column("replay", fixed=True),
    Column("id", wide=True),
)
Letters = Annotated[
    list[int] | None,
    typer.Argument(
        metavar="[DEAD]...",
        min=1,
        max=options.LARGEST,
        help="Numbers of dead letters, as dead list shows them.",
    ),
]
REPLAY = Order(
    verb="replay",
    done="replayed",
    what="dead letter",
    plural="dead letters",
    nothing="There is no such dead letter, or it was replayed already.",
    again="The same command goes on with it.",
)
PURGE = replace(REPLAY, verb="purge", done="purged", nothing="There is no such dead letter.")


def _filter(
    target: str | None,
    reason: str | None,
    older_than: str | None,
    *,
    replayed: bool | None = None,
) -> DeliveryFilter:
    return DeliveryFilter(
        states=(State.DEAD,),
        target=target,
        reason=reason,
        ended_before=options.ended_before(older_than),
        replayed=replayed,
    )


@dead.command("list")
def list_dead(
    *,
    target: options.TargetName = None,
    reason: options.Reason = None,
    older_than: options.OlderThan = None,
    replayed: options.Replayed = None,
    before: Annotated[
        int | None, typer.Option(min=1, max=options.LARGEST, help="Go on below this dead letter.")
    ] = None,
    limit: options.Limit = 20,
    as_json: options.Json = False,
) -> None:
    """List dead letters, newest first, with the reason each died of.

    For example: hookgram dead list --target shop --not-replayed
    """
    wanted = _filter(target, reason, older_than, replayed=replayed)

    async def work(journal: Journal) -> DeliveryPage:
        return await find_deliveries(journal, wanted, before=before, limit=limit)

    page = place.look(work)
    if as_json:
        rows = [document.plain(row) for row in page.rows]
        screen.say(document.text({"dead": rows, "next_before": page.next}))
        return
    _print(page, limit)


def _print(page: DeliveryPage, limit: int) -> None:
    now = place.now()
    rows = [
        (
            row.delivery_id,
            row.event_seq,
            ago(row.ended_at or row.created_at, now),
            row.target,
            row.kind,
            row.reason,
            row.attempts,
            row.replayed_as,
            row.event_id,
        )
        for row in page.rows
    ]
    shown.listing(COLUMNS, rows, page.next, limit, "dead letter")


@dead.command("show")
def show_one(
    letter: Annotated[
        int,
        typer.Argument(
            metavar="DEAD", min=1, max=options.LARGEST, help="The dead letter's number."
        ),
    ],
    *,
    as_json: options.Json = False,
) -> None:
    """Show a dead letter: every attempt, what was answered, and the update itself.

    For example: hookgram dead show 42
    """

    async def work(journal: Journal) -> tuple[Event, ShownDelivery]:
        await bulk.named_dead(journal, [letter])
        return await show_delivery(journal, letter)

    event, delivery = place.look(work)
    if as_json:
        whole = document.delivery(delivery) | {"event": document.event(event)}
        screen.say(document.text(whole))
        return
    now = place.now()
    screen.say(*shown.delivery(delivery, now), "", *shown.event(event, now), "")
    screen.say(*shown.body(event))


@dead.command("replay")
def replay_dead(
    letters: Letters = None,
    *,
    target: options.TargetName = None,
    reason: options.Reason = None,
    older_than: options.OlderThan = None,
    everything: options.Everything = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Deliver dead letters once more: a new delivery each, behind what its lane holds.

    By a filter, letters that were replayed already are left out: a repeated order goes on where
    the first one was. The old letters stay until they are purged. For example:

    hookgram dead replay --target shop --reason http_503 --dry-run
    """
    options.chosen(letters or (), target, reason, older_than, everything=everything)
    order = replace(REPLAY, dry_run=dry_run, yes=yes or bool(letters), as_json=as_json)

    async def choose(journal: Journal) -> list[DeliveryFilter]:
        if letters:
            return [await bulk.named_dead(journal, letters, replayable=True)]
        return [bulk.replayable(_filter(target, reason, older_than))]

    orders.replay(order, choose)


@dead.command("purge")
def purge_dead(
    letters: Letters = None,
    *,
    target: options.TargetName = None,
    reason: options.Reason = None,
    older_than: options.OlderThan = None,
    replayed: options.Replayed = None,
    everything: options.Everything = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Remove dead letters for good, with their attempts, and events nobody else needs.

    They are counted as purged. For example: hookgram dead purge --replayed --older-than 7d
    """
    options.chosen(letters or (), target, reason, older_than, replayed, everything=everything)
    order = replace(PURGE, dry_run=dry_run, yes=yes or bool(letters), as_json=as_json)

    async def choose(journal: Journal) -> list[DeliveryFilter]:
        if letters:
            return [await bulk.named_dead(journal, letters)]
        return [_filter(target, reason, older_than, replayed=replayed)]

    orders.purge(order, choose)
