"""The tree of exceptions: our own trouble, never what a target did.

GatewayError
├── SettingsError           the configuration cannot be used
├── NotFound                asked for something that is not there
├── Refused                 asked for something that must not be done as things are
├── TelegramError           the Bot API did not do what was asked
│   ├── TokenRejected       it does not know the bot token
│   ├── TelegramRefused     it says no, and will again
│   │   └── TelegramConflict    somebody else uses the token at this moment
│   └── TelegramUnavailable try again later, after ``retry_after`` seconds if that is known
└── StoreError
    ├── StoreUnavailable    try again later; nothing was changed
    ├── StoreBroken         the file or the disk cannot be trusted; stop the process
    ├── StoreInUse          another gateway, or a move, has the store
    ├── StoreMissing        there is no store where one was looked for
    └── SchemaMismatch      the store's schema is not the one this version works with
"""

from __future__ import annotations


class GatewayError(Exception):
    """Any trouble of the gateway's own."""


class SettingsError(GatewayError):
    """The configuration cannot be used. ``problems`` lists each with what to do about it."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class NotFound(GatewayError):
    """What was asked for is not there."""


class Refused(GatewayError):
    """What was asked for must not be done as things are; says why, and what to do instead."""


class TelegramError(GatewayError):
    """The Bot API did not do what was asked. The text never holds the token or a URL."""


class TokenRejected(TelegramError):
    """The Bot API does not know the bot token: exit code 78."""


class TelegramRefused(TelegramError):
    """The Bot API says no to what was asked, and will again."""


class TelegramConflict(TelegramRefused):
    """Somebody else uses the same token at this moment."""


class TelegramUnavailable(TelegramError):
    """No answer, or "not now": nobody knows whether something changed. ``retry_after``: seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class StoreError(GatewayError):
    """The store could not do what was asked."""


class StoreUnavailable(StoreError):
    """Nothing was changed; the same call may succeed later (busy, full, closing)."""


class StoreBroken(StoreError):
    """Input or output failed, or the file is damaged: stop the process, exit code 74."""


class StoreInUse(StoreError):
    """Another gateway works on this store, or it is being moved: exit code 75."""


class StoreMissing(StoreError):
    """There is no store where one was looked for, and looking makes none: exit code 78."""


class SchemaMismatch(StoreError):
    """The store's schema is newer than this version knows, or older and not ours to change."""
