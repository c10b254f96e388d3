"""What ``hookgram webhook`` tells: what Telegram says of a webhook, and what is about to change."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import typer

from hookgram.cli.doctor.screen import Screen
from hookgram.core.complaints import explain
from hookgram.core.doctor.telegram import Expected, of_webhook
from hookgram.core.doctor.words import span
from hookgram.core.model import SECOND
from hookgram.core.webhook import Webhook, Wish, missing_kinds, shown


def tell(webhook: Webhook, expected: Expected, *, as_json: bool) -> None:
    """Show what Telegram says of the webhook, and what that means."""
    path = expected.path
    if as_json:
        typer.echo(json.dumps(_row(webhook, path), ensure_ascii=False, indent=2))
        return
    typer.echo(f"address              {place(webhook, path)}")
    typer.echo(f"waiting at Telegram  {webhook.pending}")
    if webhook.url:
        allowed = "Telegram's default" if webhook.allowed is None else len(webhook.allowed)
        typer.echo(f"IP address           {webhook.address or 'unknown'}")
        typer.echo(f"connections at once  {webhook.connections or 'unknown'}")
        typer.echo(f"kinds of update      {allowed}")
    screen = Screen()
    for finding in of_webhook(webhook, expected, now=_now()):
        screen.show(finding)


def changes(found: list[str], wish: Wish, path: str) -> None:
    """Show what setting changes, and what is risky about it."""
    for change in found:
        typer.echo(f"• {change}")
    if wish.secret is None:
        typer.echo("! No secret is sent along: set TELEGRAM_SECRET_TOKEN first, if you can.")
    else:
        typer.echo("• secret: TELEGRAM_SECRET_TOKEN")
    if urlsplit(wish.url).path != path:
        typer.echo(
            f"! The path is not {path}: right only if a proxy before the gateway changes it."
        )


def complain(webhook: Webhook) -> None:
    """Show what Telegram last complained of: setting makes it forget."""
    if webhook.error_at is not None:
        cause = explain(webhook.error or "")
        typer.echo(f'{span(max(_now() - webhook.error_at, 0))} ago Telegram met: "{webhook.error}"')
        typer.echo(f"  that is: {cause.means}")
        typer.echo(f"  to mend: {cause.cure}")


def place(webhook: Webhook, path: str) -> str:
    """Show where Telegram posts."""
    return shown(webhook.url, path) if webhook.url else "none: no webhook is set"


def _row(webhook: Webhook, path: str) -> dict[str, object]:
    cause = explain(webhook.error) if webhook.error else None
    return {
        "url": shown(webhook.url, path) if webhook.url else None,
        "pending": webhook.pending,
        "ip_address": webhook.address,
        "max_connections": webhook.connections,
        "allowed_updates": webhook.allowed,
        "missing_kinds": missing_kinds(webhook.allowed) if webhook.url else (),
        "custom_certificate": webhook.certificate,
        "last_error": webhook.error,
        "last_error_at": _seconds(webhook.error_at),
        "last_error_means": cause.means if cause else None,
        "last_error_remedy": cause.cure if cause else None,
        "last_synchronization_error_at": _seconds(webhook.synchronization_error_at),
    }


def _seconds(moment: int | None) -> int | None:
    return None if moment is None else moment // SECOND


def _now() -> int:
    return time.time_ns() // 1000
