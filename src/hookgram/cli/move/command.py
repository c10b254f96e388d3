"""``hookgram move``: what is owed goes from a file to a database; counted, resumable."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from hookgram.cli import options

From = Annotated[
    str,
    typer.Option(
        "--from", metavar="STORE", help="What to leave: sqlite:PATH, or sqlite for SQLITE_PATH."
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="STORE",
        help="What to fill: postgres for DATABASE_URL (so no password is seen), or its URL.",
    ),
]
GiveUp = Annotated[
    bool,
    typer.Option("--give-up", help="Let gateways work on the source again; moves nothing."),
]


def move(
    source: From,
    to: To = None,
    *,
    dry_run: options.DryRun = False,
    give_up: GiveUp = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Carry all that a stopped gateway owes from its SQLite file to an empty PostgreSQL database.

    Unsettled deliveries, dead letters, targets, chats, counters, and what
    repeated updates are known by; counted at both ends. Cut at any moment,
    the same command goes on. No gateway starts on either until it is done,
    and none on the file afterwards. For example:

    hookgram move --from sqlite --to postgres --dry-run
    """
    from hookgram.cli.move import acts, ends  # noqa: PLC0415  (slow; `--help` needs it not)

    path = ends.source(source)
    if give_up:
        if to is not None or dry_run:
            raise typer.BadParameter("--give-up concerns the source alone: give only --from")
        asyncio.run(acts.give_up(path, yes=yes))
        return
    if to is None:
        raise typer.BadParameter("say where to: --to postgres")
    url = ends.destination(to)
    act = acts.look if dry_run else acts.move
    asyncio.run(act(path, url, as_json=as_json))
