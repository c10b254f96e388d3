"""The checks: each gathers facts within a deadline and has the core judge them."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from msgspec.structs import replace

from hookgram import __version__
from hookgram.cli.doctor.threads import in_thread
from hookgram.core.definition import Definition
from hookgram.core.doctor import store, target, telegram
from hookgram.core.doctor.finding import Finding, found
from hookgram.core.doctor.platform import Platform, own_address
from hookgram.core.identity import ENTROPY
from hookgram.core.model import SECOND, Micros
from hookgram.core.trial import trial
from hookgram.errors import (
    Refused,
    SchemaMismatch,
    SettingsError,
    StoreError,
    StoreMissing,
    TelegramError,
    TelegramUnavailable,
    TokenRejected,
)
from hookgram.settings import Settings
from hookgram.store import opening
from hookgram.store.sqlite.inspection import inspect_disk, inspect_store

DEADLINE = 45.0
"""Seconds any one check may take: the slowest has three calls of ten seconds and an import."""

Check: TypeAlias = Callable[[], Awaitable[list[Finding]]]


def now() -> Micros:
    """Tell the time of this machine."""
    return time.time_ns() // 1000


async def run(checks: dict[str, Check]) -> AsyncIterator[Finding]:
    """Run all checks at once; yield what each finds as soon as it has ended."""
    tasks = [asyncio.create_task(_bounded(name, check)) for name, check in checks.items()]
    try:
        for done in asyncio.as_completed(tasks):
            for finding in await done:
                yield finding
    finally:
        for task in tasks:
            task.cancel()


async def _bounded(name: str, check: Check) -> list[Finding]:
    try:
        async with asyncio.timeout(DEADLINE):
            return await check()
    except TimeoutError:
        return [found("not_checked", f"{name}: not done after {DEADLINE:g} s", subject=name)]
    except Exception as error:  # noqa: BLE001  (a bug in one check must not hide the others)
        sentence = f"{name}: the check failed with {type(error).__name__}"
        return [found("not_checked", sentence, subject=name)]


async def check_store(settings: Settings, platform: Platform) -> list[Finding]:
    """Look at the store: the database, or the file and the disk it lies on."""
    if settings.shared_database is not None:
        return await check_database(settings, settings.shared_database)
    path = Path(settings.sqlite_path)
    disk = await in_thread(lambda: inspect_disk(path, platform=platform))
    facts = await in_thread(lambda: inspect_store(path))
    names = [definition.name for definition in settings.definitions()]
    return [
        *store.of_store(facts, disk.free),
        *store.of_disk(disk),
        *store.of_work(facts, names),
    ]


async def check_database(settings: Settings, url: str) -> list[Finding]:
    """Look at the store in a database."""
    try:
        async with opening.journal(Path(settings.sqlite_path), url) as looking:
            counts = await looking.counts()
            names = tuple(row.name for row in await looking.targets())
        filling = await _is_filled(url)
    except SettingsError as error:
        return [found("database_unfit", problem) for problem in error.problems]
    except StoreMissing as error:
        return [found("store_new", str(error))]
    except SchemaMismatch as error:
        return [found("schema_other", str(error))]
    except StoreError as error:
        return [found("database_away", str(error))]
    facts = store.StoreFacts(exists=True, sqlite="", targets=names, counts=counts)
    configured = [definition.name for definition in settings.definitions()]
    sound = found("store_sound", "the store in the database can be read")
    if filling:
        return [sound, found("database_filling", "a move to it is not at its end")]
    return [sound, *store.of_work(facts, configured)]


async def _is_filled(url: str) -> bool:
    try:
        async with opening.filling(url) as destination:
            mark = await destination.mark()
    except Refused:  # gateways work there
        return False
    return mark is not None and mark.ended_at is None


async def check_telegram(
    settings: Settings, kinds: Collection[str], name: str | None = None
) -> list[Finding]:
    """Ask Telegram who the bot is and what its webhook is; compare the clocks.

    *kinds* are those that its targets want.

    Of several bots, what is found of each begins with its *name*.
    """
    findings = await _ask(settings, kinds)
    if name is None:
        return findings
    return [replace(one, sentence=f"{name}: {one.sentence}", subject=name) for one in findings]


async def _ask(settings: Settings, kinds: Collection[str]) -> list[Finding]:
    await in_thread(lambda: importlib.import_module("hookgram.telegram.bot_api"))
    from hookgram.telegram.bot_api import BotApi  # noqa: PLC0415  (it takes seconds)

    groups = settings.public_mode or any(chat < 0 for chat in settings.authorized_chat_ids)
    findings = []
    async with BotApi(settings.bots()[0].token, settings.telegram_api_url) as api:
        try:
            findings += telegram.of_bot(await api.me(), groups=groups)
            webhook = await api.webhook()
            expected = await _expected(settings, kinds, webhook.url)
            findings += telegram.of_webhook(webhook, expected, now=now())
        except TelegramError as error:
            findings.append(_of_trouble(error))
        if api.ahead is not None:
            findings.append(telegram.of_clock(api.ahead))
    return findings


def _of_trouble(error: TelegramError) -> Finding:
    if isinstance(error, TokenRejected):
        return found("token_rejected", "Telegram does not know the bot token")
    code = "telegram_unavailable" if isinstance(error, TelegramUnavailable) else "telegram_refused"
    return found(code, str(error))


async def _expected(settings: Settings, kinds: Collection[str], webhook: str) -> telegram.Expected:
    from hookgram.channels.probe import addresses_of  # noqa: PLC0415  (brings aiohttp)

    host = urlsplit(webhook).hostname
    return telegram.expect(
        webhook,
        public_url=settings.public_url,
        own_address=own_address(os.environ),
        path=settings.telegram_webhook_path,
        kinds=kinds,
        polling=settings.polls,
        resolved=await addresses_of(host) if host else (),
    )


async def check_url(name: str, url: str) -> list[Finding]:
    """Connect to one URL of a target."""
    from hookgram.channels.probe import probe  # noqa: PLC0415

    return target.of_probe(name, await probe(url), now=now())


async def check_test(definition: Definition, bot_id: int) -> list[Finding]:
    """Post one signed test to a target."""
    from hookgram.channels.registry import Channels  # noqa: PLC0415

    outbound = trial(
        replace(definition, timeout=min(definition.timeout, int(DEADLINE - 5) * SECOND)),
        bot_id,
        at=now(),
        entropy=os.urandom(ENTROPY),
        user_agent=f"hookgram/{__version__}",
    )
    async with Channels() as channels:
        answer = await channels.channel_for(definition).send(outbound)
    return [target.of_test(definition.name, answer, now=now())]
