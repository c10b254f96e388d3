"""The nouns of what is configured: bot, filter, definition, and target, known to the store too."""

from __future__ import annotations

import enum

from msgspec import Struct

from hookgram.core.model import SECOND, Micros
from hookgram.core.retry import RetryPolicy


class Origin(enum.StrEnum):
    """Where a target's definition comes from."""

    ENV = "env"
    FILE = "file"
    API = "api"


class Format(enum.StrEnum):
    """What a target receives."""

    EVENT = "event"
    UPDATE = "update"
    CLOUDEVENTS = "cloudevents"


class Bot(Struct, frozen=True, kw_only=True):
    """A bot whose updates we take. ``bot_id`` is the number in its token."""

    name: str
    bot_id: int


class Filter(Struct, frozen=True, kw_only=True):
    """What a target wants: an update that fits every list that is there. None: any will do.

    ``commands`` are in lower case, with their slash; ``/start`` is any bot's, ``/start@shop_bot``
    only that bot's. ``text`` holds globs and, after ``re2:``, expressions.
    """

    kinds: frozenset[str] | None = None
    chats: frozenset[int] | None = None
    users: frozenset[int] | None = None
    commands: frozenset[str] | None = None
    text: tuple[str, ...] | None = None


class Definition(Struct, frozen=True, kw_only=True):
    """What a target is, as configured. Several URLs make it a group (FANOUT_RETRY=together)."""

    name: str
    urls: tuple[str, ...]
    origin: Origin
    format: Format = Format.EVENT
    secrets: tuple[str, ...] = ()
    """Signing secrets, newest first. Never written to the store for configured targets."""
    secret_token: str | None = None
    """What the target expects of Telegram (format ``update``)."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the operator's own; those of the gateway win."""
    timeout: Micros = 10 * SECOND
    slots: int = 40
    ordered: bool = True
    retry: RetryPolicy
    responder: bool = False
    """Whether a method call in its answer is executed; one URL, and one such target of a bot."""
    skip_expired: bool = False
    """Whether an interactive update is given up once Telegram takes no answer to it any more."""
    bots: frozenset[int] | None = None
    """The bots whose events it takes; None: all."""
    filter: Filter | None = None
    """Which of their events it takes; None: all."""

    @property
    def together(self) -> bool:
        """Whether its URLs succeed or are retried together."""
        return len(self.urls) > 1

    def takes(self, bot_id: int) -> bool:
        """Tell whether it gets this bot's events."""
        return self.bots is None or bot_id in self.bots

    def __repr__(self) -> str:
        """Show the name and the origin only: URLs and secrets may hold credentials."""
        return f"Definition({self.name!r}, {self.origin})"


class Target(Struct, frozen=True, kw_only=True):
    """A named destination as the store knows it. ``definition`` is None for an orphan."""

    target_id: int
    name: str
    origin: Origin
    paused: bool = False
    definition: Definition | None = None
