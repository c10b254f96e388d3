"""All that a store is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from hookgram.ports.books import ChatBook, TargetBook, WebhookBook
from hookgram.ports.journal import Journal
from hookgram.ports.queue import Duties, Inbox, Queue, Upkeep


class Store(Inbox, Queue, Journal, Duties, WebhookBook, TargetBook, ChatBook, Upkeep, Protocol):
    """One durable store, open until it is closed."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have *changed* called, on the event loop, within a second of another process's commit."""
        ...

    def on_work(self, wake: Callable[[Iterable[int] | None], None]) -> None:
        """Have *wake* called, on the event loop, when another process brought work.

        It is told the targets, or None where any may have some. For who delivers; only a hint: it
        may not come, and ``due`` decides.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way, checkpoint and close; later calls raise StoreUnavailable."""
        ...
