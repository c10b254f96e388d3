"""Where updates come in: whose they are, and what proves where they come from."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from msgspec import Struct

from hookgram.core.definition import Bot
from hookgram.web.exchange import Header

SECRET_HEADER = b"x-telegram-bot-api-secret-token"


class Door(Struct, frozen=True, kw_only=True):
    """One path in: whose updates come here, and the secret they bring (None: none is asked)."""

    bot: Bot
    secret: str | None

    def opens_to(self, headers: Sequence[Header]) -> bool:
        """Tell whether the headers bring the secret, just once; names are in lower case.

        It is compared as bytes, in a time that tells nothing of it but its length.
        """
        if self.secret is None:
            return True
        given = [value for name, value in headers if name == SECRET_HEADER]
        return len(given) == 1 and hmac.compare_digest(given[0], self.secret.encode())

    def __repr__(self) -> str:
        """Show the bot and whether there is a secret, not the secret."""
        return f"Door({self.bot.name!r}, secret={'set' if self.secret else 'none'})"
