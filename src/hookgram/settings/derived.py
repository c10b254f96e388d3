"""The settings in force: the knobs, a configuration file's share, and what follows from both."""

from __future__ import annotations

import os
from typing import Any

from pydantic import PrivateAttr

from hookgram.core.access import Access
from hookgram.core.definition import Bot, Definition, Origin
from hookgram.core.doctor.platform import own_address
from hookgram.core.identity import bot_id, host_name
from hookgram.core.model import DAY, HOUR, SECOND, Micros
from hookgram.core.retry import RetryPolicy
from hookgram.core.role import Role
from hookgram.core.webhook import OFFICIAL, join_url, url_problem
from hookgram.settings.bots import OWN_BOT, BotSetting
from hookgram.settings.databases import passwords, shared
from hookgram.settings.file import meaning
from hookgram.settings.file.reading import Found
from hookgram.settings.knobs import Knobs


class Settings(Knobs):
    """The settings in force. Secrets are masked wherever they are shown."""

    _file: Found | None = PrivateAttr(None)

    def with_file(self, found: Found | None, **changed: Any) -> Settings:
        """Return these settings with a configuration file's bots and targets; None: with none."""
        copy = self.model_copy(update=changed)
        copy._file = found  # noqa: SLF001  (of its own kind)
        return copy

    def bots(self) -> tuple[BotSetting, ...]:
        """Return the bots: the environment's own as ``default``, then those of the file."""
        own: list[BotSetting] = []
        if self.bot_token is not None:
            own.append(
                BotSetting(
                    bot=Bot(name=OWN_BOT, bot_id=bot_id(self.bot_token.get_secret_value()) or 0),
                    token=self.bot_token.get_secret_value(),
                    path=self.telegram_webhook_path,
                    secret=self.ingest_secret,
                    polls=self.polls,
                )
            )
        return (*own, *(meaning.bots(self._file, self.telegram_webhook_path) if self._file else ()))

    def defaults(self) -> meaning.Defaults:
        """Return what holds where the file says nothing, and what it must not name again."""
        secret = self.outbound_secret
        own = None if self.bot_token is None else bot_id(self.bot_token.get_secret_value())
        return meaning.Defaults(
            bots={} if own is None else {OWN_BOT: own},
            targets=[definition.name for definition in self._own_definitions()],
            secrets=(secret.get_secret_value(),) if secret else (),
            timeout=int(self.forward_timeout_sec * SECOND),
            slots=self.target_slots,
            retry=self.retry(),
        )

    @property
    def polls(self) -> bool:
        """Whether updates are asked for instead of posted."""
        return self.ingest_mode == "polling"

    @property
    def kept_url(self) -> str | None:
        """The URL at which we keep our webhook ourselves; None when we leave it alone."""
        origin = self.custody_origin
        if origin is None or self.custody_problem is not None:
            return None
        return join_url(origin, self.telegram_webhook_path)

    @property
    def custody_origin(self) -> str | None:
        """Our address, if we are to keep our webhook."""
        if self.polls or self.webhook_custody == "off":
            return None
        platform = own_address(os.environ) if self.webhook_custody == "on" else None
        return self.public_url or platform

    @property
    def custody_problem(self) -> str | None:
        """Why Telegram would not post there. A local Bot API server may; it decides itself."""
        official = self.telegram_api_url.rstrip("/") == OFFICIAL
        origin = self.custody_origin
        return url_problem(origin) if origin is not None and official else None

    def urls(self) -> tuple[str, ...]:
        """Return the list of TARGET_WEBHOOK_URLS without the single target's URL, each once."""
        single = self.target_webhook_url
        return tuple(dict.fromkeys(url for url in self.target_webhook_urls if url != single))

    def definitions(self) -> list[Definition]:
        """Return the configured targets: the environment's own, then those of the file."""
        more = meaning.definitions(self._file, self.defaults()) if self._file else []
        return [*self._own_definitions(), *more]

    def _own_definitions(self) -> list[Definition]:
        """Return the environment's targets.

        TARGET_WEBHOOK_URL is ``target``. The list is the group ``targets`` when its URLs go
        together, else one target each, named by its URL's hash; a list of one is a plain target.
        The single URL within a list that goes together is a member of the group and nothing else.
        """
        found = []
        listed = tuple(dict.fromkeys(self.target_webhook_urls))
        together = self.fanout_retry == "together" and len(listed) > 1
        if self.target_webhook_url and not (together and self.target_webhook_url in listed):
            found.append(self._definition("target", (self.target_webhook_url,)))
        urls = self.urls()
        if together:
            found.append(self._definition("targets", listed))
        elif len(urls) == 1 and not found and self.fanout_retry == "together":
            found.append(self._definition("target", urls))
        else:
            found += [self._definition(host_name(url), (url,)) for url in urls]
        return found

    def _definition(self, name: str, urls: tuple[str, ...]) -> Definition:
        secret = self.outbound_secret
        return Definition(
            name=name,
            urls=urls,
            origin=Origin.ENV,
            secrets=(secret.get_secret_value(),) if secret else (),
            timeout=int(self.forward_timeout_sec * SECOND),
            slots=self.target_slots,
            retry=self.retry(),
        )

    def retry(self) -> RetryPolicy:
        """Return the retry policy of configured targets."""
        return RetryPolicy.doubling(
            base=self.base_retry_delay_sec,
            retries=self.max_retries,
            max_age=int(self.delivery_max_age_hours * HOUR),
        )

    def access(self) -> Access:
        """Return the access rules."""
        return Access(public=self.public_mode, authorised=self.authorized_chat_ids)

    def secrets(self) -> list[str]:
        """Return every secret, for the mask; also the bot token without its public number."""
        databases = [one for one in (self.database_url, self.database_direct_url) if one]
        held = (self.bot_token, self.telegram_secret_token, self.outbound_secret, *databases)
        found = [secret.get_secret_value() for secret in held if secret]
        parts = [self.bot_token.get_secret_value().partition(":")[2]] if self.bot_token else []
        for database in databases:
            parts += passwords(database.get_secret_value())
        return [*found, *parts, *(meaning.secrets(self._file) if self._file else ())]

    @property
    def part(self) -> Role:
        """What this process does."""
        return Role(self.role)

    @property
    def shared_database(self) -> str | None:
        """The database that replicas share; None where one gateway owns a file."""
        return shared(self.queue_backend, self.database_url)

    @property
    def direct_database(self) -> str | None:
        """The same database past a pooler, where one is named."""
        return shared(self.queue_backend, self.database_direct_url)

    @property
    def ingest_secret(self) -> str | None:
        """What Telegram must send along."""
        secret = self.telegram_secret_token
        return secret.get_secret_value() if secret else None

    @property
    def max_body(self) -> int:
        """The largest body, in bytes."""
        return (self.max_body_size_kb + 1) * 1024

    @property
    def rate_limit_max_delay(self) -> Micros:
        """The longest delay by the rate limit; 0: no cap."""
        return self.rate_limit_max_delay_sec * SECOND

    @property
    def shutdown_grace(self) -> Micros:
        """What attempts in flight get when we stop."""
        return int(self.shutdown_grace_sec * SECOND)

    @property
    def retention(self) -> Micros:
        """How long settled events are kept."""
        return int(self.retention_hours * HOUR)

    @property
    def dead_retention(self) -> Micros:
        """How long dead letters are kept."""
        return int(self.dead_retention_days * DAY)

    @property
    def dedup(self) -> Micros:
        """How long a repeated update is recognised."""
        return int(self.dedup_hours * HOUR)
