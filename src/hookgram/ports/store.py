"""All that a store is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hookgram.ports.books import ChatBook, TargetBook, WebhookBook
from hookgram.ports.journal import Journal
from hookgram.ports.queue import Duties, Inbox, Queue, Upkeep


class Store(Inbox, Queue, Journal, Duties, WebhookBook, TargetBook, ChatBook, Upkeep, Protocol):
    """One durable store, open until it is closed."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called, on the event loop, within a second of another process's commit."""
        ...

    async def close(self) -> None:
        """Finish what is under way, checkpoint and close; later calls raise StoreUnavailable."""
        ...
