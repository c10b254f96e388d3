"""One visit of the doctor: settings first, then everything else at once, told as it comes."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from functools import partial

import msgspec
import typer

from hookgram.cli.doctor import checks
from hookgram.cli.doctor.machine import look
from hookgram.cli.doctor.screen import Screen
from hookgram.core.doctor import settings as judged
from hookgram.core.doctor.finding import KINDS, Finding, found
from hookgram.core.doctor.kind import Level
from hookgram.core.doctor.platform import PlatformFacts, of_platform
from hookgram.core.model import SECOND
from hookgram.core.webhook import wanted_kinds
from hookgram.errors import SettingsError
from hookgram.settings import Settings, load, risks
from hookgram.settings.bots import of_bot

DEFAULT_GRACE = 25 * SECOND


def visit(*, network: bool, send_test: bool, as_json: bool) -> int:
    """Look at everything and tell it; return the exit code."""
    findings = asyncio.run(_told(network=network, send_test=send_test, quiet=as_json))
    if as_json:
        order = list(KINDS)
        rows = sorted(findings, key=lambda one: (order.index(one.code), one.subject))
        shown = [msgspec.to_builtins(row) for row in rows]
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    return int(any(finding.level is Level.PROBLEM for finding in findings))


async def _told(*, network: bool, send_test: bool, quiet: bool) -> list[Finding]:
    screen = Screen()
    findings = []
    async for finding in _findings(network=network, send_test=send_test):
        findings.append(finding)
        if not quiet:
            screen.show(finding)
    if not quiet:
        screen.sum_up(findings, network=network)
    return findings


async def _findings(*, network: bool, send_test: bool) -> AsyncIterator[Finding]:
    platform = look()
    try:
        settings = load()
    except SettingsError as error:
        for finding in [*judged.wrong(error.problems), *of_platform(platform, DEFAULT_GRACE)]:
            yield finding
        return
    for finding in [*_of_settings(settings), *of_platform(platform, settings.shutdown_grace)]:
        yield finding
    chosen = _checks(settings, platform, network=network, send_test=send_test)
    async for finding in checks.run(chosen):
        yield finding


def _of_settings(settings: Settings) -> list[Finding]:
    findings = judged.risky(
        risks(settings),
        settings.retry(),
        signed=settings.outbound_secret is not None,
        targets=len(settings.definitions()),
    )
    return [found("settings_sound", "all settings can be read"), *findings]


def _checks(
    settings: Settings, platform: PlatformFacts, *, network: bool, send_test: bool
) -> dict[str, checks.Check]:
    chosen: dict[str, checks.Check] = {
        "store": partial(checks.check_store, settings, platform.platform)
    }
    if not network:
        return chosen
    # Before the Bot API's library is imported in a thread: both bring the HTTP client.
    importlib.import_module("hookgram.channels.registry")
    bots = settings.bots()
    for one in bots:
        own = of_bot(settings, one.bot.name)
        name = one.bot.name if len(bots) > 1 else None
        kinds = wanted_kinds(settings.definitions(), one.bot.bot_id)
        chosen[f"telegram {one.bot.name}"] = partial(checks.check_telegram, own, kinds, name)
    for definition in settings.definitions():
        name = definition.name
        for number, url in enumerate(definition.urls, 1):
            chosen[f"{name} {number}"] = partial(checks.check_url, name, url)
        if send_test:
            bot_id = next(one.bot.bot_id for one in bots if definition.takes(one.bot.bot_id))
            chosen[f"{name} test"] = partial(checks.check_test, definition, bot_id)
    return chosen
