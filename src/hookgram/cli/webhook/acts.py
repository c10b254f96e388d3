"""What ``hookgram webhook`` does: asks Telegram, compares, asks back, changes, tells."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

import typer

from hookgram.cli.webhook import telling
from hookgram.core.doctor.platform import own_address
from hookgram.core.doctor.telegram import expect
from hookgram.core.redact import safe_url
from hookgram.core.webhook import (
    OFFICIAL,
    Webhook,
    Wish,
    differences,
    join_url,
    missing_kinds,
    shown,
    url_problem,
    wanted_kinds,
)
from hookgram.errors import SettingsError, TelegramUnavailable
from hookgram.settings import Settings, load
from hookgram.settings.bots import of_bot
from hookgram.telegram.bot_api import BotApi

LONGEST_PAUSE = 5.0
"""Seconds to wait, once, when Telegram asks to: it sets a webhook once a second."""
DELETION = (
    "Delete the webhook? New updates wait at Telegram for up to 24 hours (pressed buttons and "
    "inline queries for seconds to minutes) until a webhook is set or somebody polls."
)
POLLED = "INGEST_MODE=polling: while a webhook is set, Telegram lets nobody poll. Go on?"
KEPT = (
    "The gateway keeps this webhook itself, with a secret it made: setting it here takes that "
    "secret away until the gateway notices. Go on?"
)

T = TypeVar("T")


def show(bot: str | None, *, as_json: bool) -> None:
    """Show the webhook."""
    settings = of_bot(load(), bot)
    webhook = _call(settings, lambda api: api.webhook())
    expected = expect(
        webhook.url,
        public_url=settings.public_url,
        own_address=own_address(os.environ),
        path=settings.telegram_webhook_path,
        polling=settings.polls,
    )
    telling.tell(webhook, expected, as_json=as_json)


def take(
    bot: str | None,
    url: str | None,
    connections: int,
    *,
    force: bool,
    drop_pending: bool,
    yes: bool,
) -> None:
    """Set the webhook, if it is not right."""
    whole = load()
    settings = of_bot(whole, bot)
    path = settings.telegram_webhook_path
    wish = Wish(
        url=_wanted(url, settings),
        secret=settings.ingest_secret,
        connections=connections,
        allowed=wanted_kinds(whole.definitions(), settings.bots()[0].bot.bot_id),
    )
    webhook = _call(settings, lambda api: api.webhook())
    telling.complain(webhook)
    changes = differences(webhook, wish, path)
    if not (changes or force or drop_pending):
        typer.echo(f"Nothing to do: Telegram posts to {shown(wish.url, path)} as wished.")
        typer.echo("It does not tell which secret it sends; --force sets it again.")
        return
    telling.changes(changes, wish, path)
    questions = [POLLED] if settings.polls else []
    questions += [KEPT] if settings.kept_url and settings.ingest_secret is None else []
    questions += _questions(webhook, wish, drop_pending=drop_pending, path=path)
    _confirm(questions, yes=yes)
    _call(settings, lambda api: _patiently(api, wish, drop_pending=drop_pending))
    typer.echo(f"Done: Telegram posts to {shown(wish.url, path)}.")
    left = missing_kinds(_call(settings, lambda api: api.webhook()).allowed, wish.allowed)
    if left:
        typer.echo(f"This Bot API server does not know: {', '.join(left)}.")


def give_up(bot: str | None, *, drop_pending: bool, yes: bool) -> None:
    """Delete the webhook, after asking."""
    settings = of_bot(load(), bot)
    path = settings.telegram_webhook_path
    webhook = _call(settings, lambda api: api.webhook())
    if not webhook.url and not (drop_pending and webhook.pending):
        typer.echo("Nothing to do: no webhook is set.")
        return
    typer.echo(f"Telegram posts to {telling.place(webhook, path)}.")
    questions = [DELETION]
    if drop_pending:
        questions.append(_lost(webhook))
    _confirm(questions, yes=yes)
    _call(settings, lambda api: api.delete_webhook(drop_pending=drop_pending))
    typer.echo("Done: Telegram posts nowhere.")


def _call(settings: Settings, work: Callable[[BotApi], Awaitable[T]]) -> T:
    async def call() -> T:
        token = settings.bots()[0].token
        async with BotApi(token, settings.telegram_api_url) as api:
            return await work(api)

    return asyncio.run(call())


async def _patiently(api: BotApi, wish: Wish, *, drop_pending: bool) -> None:
    try:
        await api.set_webhook(wish, drop_pending=drop_pending)
    except TelegramUnavailable as error:
        if error.retry_after is None or error.retry_after > LONGEST_PAUSE:
            raise
        await asyncio.sleep(error.retry_after)
        await api.set_webhook(wish, drop_pending=drop_pending)


def _wanted(given: str | None, settings: Settings) -> str:
    """Return the URL to set; raises SettingsError or a usage error when Telegram would refuse it.

    A local Bot API server may allow more, so there only Telegram itself decides.
    """
    origin = given or settings.public_url or own_address(os.environ)
    if origin is None:
        raise SettingsError(
            ["PUBLIC_URL: is not set; set it to https://…, or use: hookgram webhook set --url …"]
        )
    official = settings.telegram_api_url.rstrip("/") == OFFICIAL
    problem = url_problem(origin) if official else _unreadable(origin)
    if problem is not None and given is not None:
        raise typer.BadParameter(f"the URL {problem}", param_hint="--url")
    if problem is not None:
        raise SettingsError([f"PUBLIC_URL: {problem}"])
    return join_url(origin, settings.telegram_webhook_path)


def _unreadable(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        fine = False
    return None if fine else "is no URL; write it like https://gateway.example.com"


def _questions(webhook: Webhook, wish: Wish, *, drop_pending: bool, path: str) -> list[str]:
    asked = []
    if webhook.url and _host(webhook.url) != _host(wish.url):
        place = shown(webhook.url, path)
        asked.append(f"A bot has one webhook: {place} will get no more updates. Go on?")
    if drop_pending:
        asked.append(_lost(webhook))
    return asked


def _lost(webhook: Webhook) -> str:
    return f"Throw away the {webhook.pending} updates that wait at Telegram? They are lost."


def _confirm(questions: list[str], *, yes: bool) -> None:
    for question in questions:
        if not yes:
            typer.confirm(question, abort=True)


def _host(url: str) -> str:
    return safe_url(url).removesuffix("/…").rstrip("/")
