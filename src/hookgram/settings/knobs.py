"""The settings: one field each, with its default, its limits and its help.

What follows from them is in ``settings/derived.py``. The documentation's table and
``.env.example`` are made from this file (``settings/table.py``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hookgram.settings import checks

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


class Knobs(BaseSettings):
    """The settings as they are given. Secrets are masked wherever they are shown."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        case_sensitive=False,
        env_ignore_empty=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

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
    database_direct_url: SecretStr | None = Field(
        None,
        description="the same database past a pooler: there, work that other processes took"
        " is heard of at once instead of within half a second",
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
    role: Literal["all", "ingest", "worker"] = Field(
        "all",
        description="what this process does: `ingest` takes updates, `worker` delivers them, "
        "`all` does both",
    )
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
    def from_sources(cls, env_file: Path | None, secrets: dict[str, Any]) -> Self:
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
        *("ingest_mode", "webhook_custody", "role"),
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
