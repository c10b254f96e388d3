"""The demo's gateway: the one that ``serve`` runs, with settings of the demo's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from hookgram.app import Gateway
from hookgram.core.definition import Definition, Origin
from hookgram.core.model import DAY, SECOND
from hookgram.core.retry import RetryPolicy
from hookgram.demo.stage import OUTBOUND_SECRET, SECRET
from hookgram.errors import StoreBroken
from hookgram.observe.log import Log
from hookgram.observe.notices import fan
from hookgram.ports import Notice
from hookgram.settings import Settings
from hookgram.web.listener import Listener, bind

HOST = "127.0.0.1"
SLOTS = 40
YEARS = 3650 * DAY
FOREVER_HOURS = 87_600
WAITS = (SECOND // 2, *(SECOND,) * 200)
TOKEN = "123456:the-demo-needs-no-token-of-yours"  # noqa: S105  (nobody's)


class DemoSettings(Settings):
    """Settings that come from here alone: no environment, no ``.env`` of the person's own."""

    targets: tuple[tuple[str, str], ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the constructor is given."""
        return (init_settings,)

    def definitions(self) -> list[Definition]:
        """Return the sample targets, by names that stay when their ports change."""
        return [
            Definition(
                name=name,
                urls=(url,),
                origin=Origin.ENV,
                secrets=(OUTBOUND_SECRET,),
                slots=SLOTS,
                retry=RetryPolicy(waits=WAITS, max_age=YEARS),
            )
            for name, url in self.targets
        ]


def settings(database: Path, urls: dict[str, str]) -> DemoSettings:
    """Return the demo's settings: nothing is forgotten, and no breaker hides the outage."""
    given: dict[str, Any] = {
        "bot_token": TOKEN,
        "telegram_secret_token": SECRET,
        "outbound_secret": OUTBOUND_SECRET,
        "public_mode": True,
        "rate_limit_per_min": 0,
        "breaker_failures": 0,
        "queue_backend": "sqlite",
        "database_url": None,
        "database_direct_url": None,
        "sqlite_path": str(database),
        "retention_hours": FOREVER_HOURS,
        "dead_retention_days": 3650,
        "dedup_hours": FOREVER_HOURS,
        "host": HOST,
        "port": 0,
        "shutdown_grace_sec": 3,
        "targets": tuple(urls.items()),
    }
    return DemoSettings(**given)


@asynccontextmanager
async def running(
    chosen: DemoSettings, log_file: Path, board: Notice
) -> AsyncIterator[tuple[Gateway, str]]:
    """Run a gateway on a free port of the loopback; gives it and where Telegram posts.

    Raises OSError, and what ``Gateway.open`` raises.
    """
    with (
        log_file.open("a", encoding="utf-8") as file,
        Log(file, "pretty", "info", chosen.secrets()) as log,
        bind(HOST, 0) as bound,
    ):
        gateway = Gateway(chosen, fan(log, board), log.close)
        listener = Listener(await gateway.open())
        serving = asyncio.create_task(listener.serve(sockets=[bound]))
        port = bound.getsockname()[1]
        try:
            await _listening(listener, serving)
            gateway.tell_start(HOST, port)
            yield gateway, f"http://{HOST}:{port}"
        finally:
            gateway.stop()
            listener.should_exit = True
            await serving
            with suppress(StoreBroken):  # told already
                await gateway.close()


async def _listening(listener: Listener, serving: asyncio.Task[None]) -> None:
    while not listener.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.01)
