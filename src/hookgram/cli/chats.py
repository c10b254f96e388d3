"""``hookgram chats``: who was refused, and whom to admit while the gateway runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hookgram.cli import document, options, place, screen
from hookgram.cli.moments import ago
from hookgram.cli.screen import Column
from hookgram.core.model import RefusedChat
from hookgram.ports import Journal

chats = typer.Typer(help="Who was refused, and whom to admit.", no_args_is_help=True)

COLUMNS = (
    Column("chat", fixed=True),
    Column("kind", fixed=True),
    Column("updates", fixed=True),
    Column("last seen", fixed=True),
    Column("bot", wide=True),
)
ChatId = Annotated[
    int,
    typer.Argument(metavar="ID", help="The chat's id; groups and channels have negative ones."),
]
NEGATIVE: dict[str, Any] = {"ignore_unknown_options": True}
"""What lets an id begin with a minus."""


@chats.command("refused")
def refused(*, limit: options.Limit = 50, as_json: options.Json = False) -> None:
    """List the chats whose updates were refused, the latest first; nothing of what they said.

    For example: hookgram chats refused --json
    """

    async def work(journal: Journal) -> list[RefusedChat]:
        return await journal.refused_chats(limit=limit)

    rows = place.look(work)
    if as_json:
        screen.say(document.text({"refused": [document.plain(row) for row in rows]}))
    elif rows:
        now = place.now()
        cells = [(r.chat_id, r.chat_kind, r.count, ago(r.last_seen, now), r.bot_id) for r in rows]
        screen.table(COLUMNS, cells)
    else:
        screen.hint("No chat was refused.")


@chats.command("authorise", context_settings=NEGATIVE)
def authorise(chat_id: ChatId) -> None:
    """Admit a chat, beside those of AUTHORIZED_CHAT_IDS; a running gateway does so within a second.

    For example: hookgram chats authorise 1234567890
    """
    if place.order(lambda store: store.authorise(chat_id)):
        screen.say(f"Chat {chat_id} is admitted from now on; what was refused before is gone.")
    else:
        screen.say(f"Chat {chat_id} was admitted already; nothing was changed.")


@chats.command("withdraw", context_settings=NEGATIVE)
def withdraw(chat_id: ChatId) -> None:
    """Admit a chat no more that was admitted by a command; the configuration stays as it is.

    For example: hookgram chats withdraw 1234567890
    """
    if not place.order(lambda store: store.withdraw(chat_id)):
        screen.hint(
            f"Chat {chat_id} was not admitted by a command; nothing was changed. "
            "If AUTHORIZED_CHAT_IDS names it, take it out there."
        )
        raise typer.Exit(1)
    screen.say(f"Chat {chat_id} is admitted no more.")
