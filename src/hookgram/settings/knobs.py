"""The settings: one field each, with its default, its limits and its help.

The documentation's table and ``.env.example`` are made from this file (``settings/table.py``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hookgram.core.access import Access
from hookgram.core.doctor.platform import own_address
from hookgram.core.identity import bot_id, host_name
from hookgram.core.model import DAY, HOUR, SECOND, Bot, Definition, Micros, Origin
from hookgram.core.retry import RetryPolicy
from hookgram.core.webhook import OFFICIAL, join_url, url_problem
from hookgram.settings import checks
from hookgram.settings.bots import OWN_BOT, BotSetting
from hookgram.settings.databases import passwords, shared
from hookgram.settings.file import meaning
from hookgram.settings.file.reading import Found

Urls = Annotated[tuple[str, ...], NoDecode]
Chats = Annotated[frozenset[int], NoDecode]


def _comma_separated(value: Any) -> Any:
    """Split ``1,2`` into its parts; a JSON list is taken as one."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            pass  # "[1,2" is read as what it nearly is, and each part is checked
    return [part.strip() for part in value.split(",") if part.strip()]


class Settings(BaseSettings):
    """The settings in force. Secrets are masked wherever they are shown."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        case_sensitive=False,
        env_ignore_empty=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    _file: Found | None = PrivateAttr(None)
    bot_token: SecretStr | None = Field(
        None, description="Telegram bot token, from @BotFather; needed unless a file names bots"
    )
    telegram_secret_token: SecretStr | None = Field(
        None, description="webhook secret, 1–256 of `A-Za-z0-9_-`; a loud warning when absent"
    )
    telegram_webhook_path: str = Field("/telegram/webhook", description="where Telegram posts")
    target_webhook_url: str | None = Field(None, description="one target", repr=False)
    target_webhook_urls: Urls = Field(
        (), description="comma-separated targets; with the former: the union", repr=False
    )
    fanout_retry: Literal["together", "independent"] = Field(
        "together", description="for that list: `together` or `independent`"
    )
    target_slots: int = Field(40, ge=1, le=1000, description="attempts in flight per target")
    public_mode: bool = Field(default=False, description="accept every chat")
    authorized_chat_ids: Chats = Field(
        frozenset(), description="comma-separated chat ids, when not public"
    )
    rate_limit_per_min: int = Field(
        30, ge=0, le=60_000, description="messages per chat per minute; 0 switches it off"
    )
    rate_limit_max_delay_sec: int = Field(
        0, ge=0, le=86_400, description="a longer delay makes a dead letter; 0: no cap"
    )
    max_body_size_kb: int = Field(
        512, ge=1, le=65_536, description="largest body, plus 1 KiB for Telegram's own wrapper"
    )
    forward_timeout_sec: float = Field(
        10, ge=0.1, le=600, description="deadline of one attempt, in seconds"
    )
    queue_backend: Literal["sqlite", "postgres"] = Field(
        "sqlite", description="`sqlite`, for one gateway; `postgres`, for many on one database"
    )
    sqlite_path: str = Field("./events.db", description="the queue's file; folders are made")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL, like `postgresql://user:password@host/database`"
    )
    max_retries: int = Field(
        5, ge=0, le=1000, description="failures allowed after the first; 12 span hours"
    )
    base_retry_delay_sec: float = Field(
        2, ge=0.01, le=3600, description="2, 4, 8, … seconds between tries, an hour at most"
    )
    delivery_max_age_hours: float = Field(
        72, ge=0.01, le=8760, description="a delivery older than this is dead"
    )
    breaker_failures: int = Field(
        10,
        ge=0,
        le=10_000,
        description="failures in a row that open a target's breaker; 0 switches it off",
    )
    retention_hours: float = Field(
        24, ge=0, le=87_600, description="how long settled events are kept"
    )
    dead_retention_days: float = Field(
        14, ge=0, le=3650, description="how long dead letters are kept"
    )
    dedup_hours: float = Field(
        72, ge=0.01, le=87_600, description="how long a repeated update is recognised"
    )
    outbound_secret: SecretStr | None = Field(None, description="secret of outbound signatures")
    host: str = Field("0.0.0.0", description="where we listen")  # noqa: S104  (documented)
    port: int = Field(8000, ge=0, le=65_535, description="where we listen; 0: any free port")
    shutdown_grace_sec: float = Field(
        25, ge=0, le=600, description="what attempts in flight get when we stop"
    )
    log_format: Literal["auto", "pretty", "json"] = Field(
        "auto", description="`pretty` on a terminal, else `json`"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug` shows every stored update"
    )
    config_file: str | None = Field(
        None, description="path of a file with more bots and targets, like `hookgram.toml`"
    )
    ingest_mode: Literal["webhook", "polling"] = Field(
        "webhook",
        description="`webhook`, or `polling`: we ask Telegram, and need no public address",
    )
    public_url: str | None = Field(
        None,
        description="our address as Telegram sees it, like `https://gateway.example.com`; "
        "we keep our webhook there, `hookgram webhook set` and `doctor` go by it",
    )
    webhook_custody: Literal["auto", "on", "off"] = Field(
        "auto",
        description="whether we set our webhook ourselves and keep it: `auto` if `PUBLIC_URL` is "
        "set, `on` also by the platform's own address, `off` never",
    )
    telegram_api_url: str = Field("https://api.telegram.org", description="local Bot API server")

    @classmethod
    def from_sources(cls, env_file: Path | None, secrets: dict[str, Any]) -> Settings:
        """Read the environment, then *env_file*; *secrets* are what stands in files of their own.

        Raises pydantic's ValidationError with all that is malformed, without the values.
        """
        given: dict[str, Any] = {"_env_file": env_file, "_env_file_encoding": "utf-8", **secrets}
        return cls(**given)

    @field_validator("target_webhook_urls", "authorized_chat_ids", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _comma_separated(value)

    @field_validator(
        *("log_level", "log_format", "fanout_retry", "queue_backend"),
        *("ingest_mode", "webhook_custody"),
        mode="before",
    )
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("*", mode="after")
    @classmethod
    def _check(cls, value: Any, info: ValidationInfo) -> Any:
        wrong = checks.of_field(info.field_name or "", value, info.data)
        if wrong is not None:
            raise PydanticCustomError("setting", "{wrong}", {"wrong": wrong})
        return value

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
        held = (self.bot_token, self.telegram_secret_token, self.outbound_secret, self.database_url)
        found = [secret.get_secret_value() for secret in held if secret]
        parts = [self.bot_token.get_secret_value().partition(":")[2]] if self.bot_token else []
        if self.database_url is not None:
            parts += passwords(self.database_url.get_secret_value())
        return [*found, *parts, *(meaning.secrets(self._file) if self._file else ())]

    @property
    def shared_database(self) -> str | None:
        """The database that replicas share; None where one gateway owns a file."""
        return shared(self.queue_backend, self.database_url)

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
