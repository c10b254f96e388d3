"""What keeping a webhook remembers (see ``ports.WebhookBook``)."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.store.postgres.call import Kind
from hookgram.store.postgres.transaction import Transaction, View


async def secret(tx: Transaction, calls: Sequence[tuple[int, str]]) -> list[str]:
    """Return the secrets that are kept; where there is none, the one that was made, now kept."""
    return [await _secret(tx, *call) for call in calls]


async def _secret(tx: Transaction, bot_id: int, made: str) -> str:
    [row] = await tx.rows("keep_webhook_secret", bot_id=bot_id, secret=made)
    return str(row[0])


async def mark(view: View, bot_id: int) -> bytes | None:
    """Tell the mark of what was set last."""
    row = await view.row("webhook_mark", bot_id=bot_id)
    return row[0] if row else None


async def keep_mark(tx: Transaction, calls: Sequence[tuple[int, bytes]]) -> list[None]:
    """Keep the marks of what was just set."""
    for bot_id, kept in calls:
        await tx.rows("mark_webhook", bot_id=bot_id, mark=kept)
    return [None] * len(calls)


SECRET = Kind(secret)
KEEP_MARK = Kind(keep_mark)
