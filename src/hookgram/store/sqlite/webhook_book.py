"""What keeping a webhook remembers (see ``ports.WebhookBook``): each within one transaction."""

from __future__ import annotations

from hookgram.store.sqlite.transaction import Transaction, View


def secret(tx: Transaction, bot_id: int, made: str) -> str:
    """Return the secret that is kept; if there is none, *made*, now kept."""
    [(kept,)] = tx.rows("keep_webhook_secret", {"bot_id": bot_id, "secret": made})
    return str(kept)


def mark(view: View, bot_id: int) -> bytes | None:
    """Tell the mark of what was set last."""
    row = view.row("webhook_mark", {"bot_id": bot_id})
    return row[0] if row else None


def keep_mark(tx: Transaction, bot_id: int, mark: bytes) -> None:
    """Keep the mark of what was just set."""
    tx.write("mark_webhook", {"bot_id": bot_id, "mark": mark})
