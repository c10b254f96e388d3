"""``hookgram webhook``: where Telegram posts; shows it, sets it, takes it away."""

from __future__ import annotations

from typing import Annotated

import typer

from hookgram.core.webhook import CONNECTIONS

MOST_CONNECTIONS = 100

webhook = typer.Typer(
    help="Where Telegram posts the bot's updates: show it, set it, delete it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

BotName = Annotated[
    str | None,
    typer.Option(
        "--bot",
        help="Which bot, by its name in the configuration file; without it that of BOT_TOKEN.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
Drop = Annotated[
    bool,
    typer.Option("--drop-pending", help="Throw away the updates that wait at Telegram; asks."),
]


@webhook.command()
def info(
    *,
    bot: BotName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what Telegram says of the webhook, in plain words."""
    from hookgram.cli.webhook.acts import show  # noqa: PLC0415  (slow; `--help` needs it not)

    show(bot, as_json=as_json)


@webhook.command("set")
def set_(
    *,
    bot: BotName = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="The gateway's address as Telegram sees it, like https://gateway.example.com; "
            "the bot's path is added when it has no path. Without it: PUBLIC_URL.",
        ),
    ] = None,
    max_connections: Annotated[
        int, typer.Option(min=1, max=MOST_CONNECTIONS, help="Updates posted at once, at most.")
    ] = CONNECTIONS,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Set it even if it looks right: the secret cannot be read back."
        ),
    ] = False,
    drop_pending: Drop = False,
    yes: Yes = False,
) -> None:
    """Have Telegram post here, with the bot's secret token and every kind of update.

    Compares first, says what it changes, and does nothing when all is right.
    """
    from hookgram.cli.webhook.acts import take  # noqa: PLC0415

    take(bot, url, max_connections, force=force, drop_pending=drop_pending, yes=yes)


@webhook.command()
def delete(*, bot: BotName = None, drop_pending: Drop = False, yes: Yes = False) -> None:
    """Have Telegram post nowhere: updates wait there, for up to 24 hours."""
    from hookgram.cli.webhook.acts import give_up  # noqa: PLC0415

    give_up(bot, drop_pending=drop_pending, yes=yes)
