"""The bots of the settings: the environment's own, and those of the configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from pydantic import SecretStr

from hookgram.core.definition import Bot
from hookgram.errors import SettingsError

if TYPE_CHECKING:
    from hookgram.settings.derived import Settings

OWN_BOT = "default"
"""The name of the bot of BOT_TOKEN."""


class BotSetting(Struct, frozen=True, kw_only=True):
    """A bot as it is set: its token, the path where Telegram posts, and the secret it sends.

    ``polls``: its updates are asked for instead of posted.
    """

    bot: Bot
    token: str
    path: str
    secret: str | None
    polls: bool = False

    def __repr__(self) -> str:
        """Show the bot and its path, no secret."""
        return f"BotSetting({self.bot.name!r}, {self.path!r})"


def of_bot(settings: Settings, name: str | None) -> Settings:
    """Return the settings as if that bot were the environment's own, and the only one.

    Without a *name*: that of BOT_TOKEN, else the only one there is. Raises SettingsError if it is
    not clear which is meant.
    """
    bots = {one.bot.name: one for one in settings.bots()}
    name = name or next((one for one in bots if len(bots) == 1 or one == OWN_BOT), None)
    if name not in bots:
        raise SettingsError([f"--bot: name one of these: {', '.join(bots)}"])
    one = bots[name]
    return settings.with_file(
        None,
        bot_token=SecretStr(one.token),
        telegram_secret_token=None if one.secret is None else SecretStr(one.secret),
        telegram_webhook_path=one.path,
        ingest_mode="polling" if one.polls else "webhook",
    )
