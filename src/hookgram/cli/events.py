"""``hookgram events``: what came in, what became of it, and once more."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

from hookgram.cli import document, options, orders, place, screen, shown
from hookgram.cli.moments import ago
from hookgram.cli.orders import Order
from hookgram.cli.screen import Column
from hookgram.core.listing import DeliveryFilter, EventFilter, EventPage
from hookgram.ports import Journal
from hookgram.usecases import bulk
from hookgram.usecases.search import find_events, show_event

events = typer.Typer(help="What came in, what became of it, and once more.", no_args_is_help=True)

COLUMNS = (
    Column("event", fixed=True),
    Column("received", fixed=True),
    Column("kind"),
    Column("chat", fixed=True),
    Column("deliveries"),
    Column("id", wide=True),
)
REPLAY = Order(
    verb="replay",
    done="replayed",
    what="delivery",
    plural="deliveries",
    nothing="There is nothing to replay: what is on its way, or was replayed, is left alone.",
    again="Go on with the same command and --after {last}",
)


@events.command("list")
def list_events(
    *,
    kind: options.Kind = None,
    chat: options.Chat = None,
    target: options.TargetName = None,
    state: options.StateName = None,
    since: options.Since = None,
    until: options.Until = None,
    before: Annotated[
        str | None, typer.Option(help="Go on below this event (its number or id).")
    ] = None,
    limit: options.Limit = 20,
    as_json: options.Json = False,
) -> None:
    """List events, newest first, with how many deliveries of each are in which state.

    For example: hookgram events list --state dead --since 12h
    """
    wanted = EventFilter(
        kind=kind,
        chat_id=chat,
        target=target,
        states=options.states(state),
        since=options.moment(since),
        until=options.moment(until),
    )

    async def work(journal: Journal) -> EventPage:
        below = options.event_name(before) if before else None
        number = (await journal.event(below)).seq if isinstance(below, str) else below
        return await find_events(journal, wanted, before=number, limit=limit)

    page = place.look(work)
    if as_json:
        rows = [document.plain(row) for row in page.rows]
        screen.say(document.text({"events": rows, "next_before": page.next}))
        return
    _print(page, limit)


def _print(page: EventPage, limit: int) -> None:
    now = place.now()
    rows = [
        (
            row.seq,
            ago(row.received_at, now),
            row.kind,
            row.chat_id,
            shown.states(row.deliveries),
            row.event_id,
        )
        for row in page.rows
    ]
    shown.listing(COLUMNS, rows, page.next, limit, "event")


@events.command("show")
def show_one(
    event: Annotated[str, typer.Argument(help="The event's id (evt_…) or its number.")],
    *,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the very bytes that came, nothing else.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show an event: what came, and what became of it at each target, try by try.

    For example: hookgram events show 42
    """
    found = place.look(lambda journal: show_event(journal, options.event_name(event)))
    if raw:
        typer.get_binary_stream("stdout").write(found.event.body)
    elif as_json:
        deliveries = [document.delivery(one) for one in found.deliveries]
        whole = document.event(found.event) | {"deliveries": deliveries, "more": found.more}
        screen.say(document.text(whole))
    else:
        screen.say(*shown.event(found.event, place.now()))
        for one in found.deliveries:
            screen.say("", *shown.delivery(one, place.now()))
        if found.more:
            screen.say("", "… and more deliveries")
        screen.say("", *shown.body(found.event))


@events.command("replay")
def replay_events(
    named: Annotated[
        list[str] | None, typer.Argument(metavar="[EVENT]...", help="Ids or numbers.")
    ] = None,
    *,
    target: options.TargetName = None,
    state: options.StateName = None,
    kind: options.Kind = None,
    chat: options.Chat = None,
    since: options.Since = None,
    until: options.Until = None,
    after: Annotated[
        int,
        typer.Option(min=0, max=options.LARGEST, help="Go on behind this delivery."),
    ] = 0,
    everything: options.Everything = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Deliver events once more, with their old ids, each to the targets it was made for.

    A delivery that is still on its way is left alone, and so is one that a replay stands for.
    Without --target every target gets them. Name events, or choose them by a filter:

    hookgram events replay --target shop --since 3h --dry-run
    """
    moments = (options.moment(since), options.moment(until))
    filters = (state, kind, chat, *moments, None if named else target)
    options.chosen(named or (), *filters, everything=everything)
    wanted = DeliveryFilter(
        target=target,
        states=options.settled(state),
        kind=kind,
        chat_id=chat,
        since=moments[0],
        until=moments[1],
    )
    order = replace(REPLAY, dry_run=dry_run, yes=yes or bool(named), as_json=as_json)

    async def choose(journal: Journal) -> list[DeliveryFilter]:
        if not named:
            return [bulk.replayable(wanted)]
        seqs = [(await journal.event(options.event_name(one))).seq for one in named]
        return [bulk.replayable(replace(wanted, event_seq=seq)) for seq in dict.fromkeys(seqs)]

    orders.replay(order, choose, after=after)
