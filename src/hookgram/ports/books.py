"""What is remembered besides the work: webhooks, targets, chats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hookgram.core.access import Chats
from hookgram.core.definition import Definition, Target


class WebhookBook(Protocol):
    """What keeping a bot's webhook needs to remember."""

    async def webhook_secret(self, bot_id: int, made: str) -> str:
        """Return the secret kept for the bot's webhook; if there is none, *made*, now kept."""
        ...

    async def webhook_mark(self, bot_id: int) -> bytes | None:
        """Tell the mark of what was set last; None if nothing ever was."""
        ...

    async def mark_webhook(self, bot_id: int, mark: bytes) -> None:
        """Keep the mark of what was just set."""
        ...


class TargetBook(Protocol):
    """The targets the store knows."""

    async def register(self, definitions: Sequence[Definition]) -> list[Target]:
        """Make the configured targets known by their names and list all that are not removed.

        A target keeps its id as long as it keeps its name; its URL and the rest are taken from
        the definition each time, and neither URLs' credentials nor secrets are written down.
        Targets of the store that no definition names come back with ``definition=None``; those of
        them that were configured once are orphans from now on, for every process that looks.
        """
        ...

    async def pause(self, name: str) -> None:
        """Let the target's work wait. Raises NotFound."""
        ...

    async def resume(self, name: str) -> None:
        """Let the target's work go on. Raises NotFound."""
        ...

    async def remove(self, name: str) -> int:
        """Forget the target and cancel its unsettled work; returns how many were cancelled.

        In transactions of at most 500 rows. Raises NotFound.
        """
        ...

    async def replay(self, delivery_ids: Sequence[int]) -> list[int]:
        """Owe each named delivery's event to its target once more, at the tail of its lane.

        At most 500 at a time; returns the new deliveries' ids. Raises NotFound if one of them, or
        its target, is gone; then none is made.
        """
        ...

    async def purge(self, delivery_ids: Sequence[int]) -> int:
        """Remove those of the deliveries that are dead letters, and count them as purged.

        Each goes with its attempts, and with its event if that has no other delivery. At most 500
        at a time, in transactions of at most 500 rows; returns how many were dead letters.
        """
        ...


class ChatBook(Protocol):
    """The chats that were admitted or followed at run time; the configured ones are not here."""

    async def chats(self) -> Chats:
        """Read all of them."""
        ...

    async def authorise(self, chat_id: int) -> bool:
        """Admit a chat, which is no refused one any more; False if it was admitted already."""
        ...

    async def withdraw(self, chat_id: int) -> bool:
        """Take an authorisation back; False if there was none."""
        ...

    async def move_chat(self, chat_id: int, former: int) -> None:
        """Remember that a chat had another id; nothing happens if it is known."""
        ...
