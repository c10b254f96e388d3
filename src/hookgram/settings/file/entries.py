"""The keys of the configuration file. The schema, the reference page and the checks come from here.

What is written here of a key is what people read of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hookgram.settings.file.texts import (
    Command,
    HeaderName,
    HeaderValue,
    Id,
    Kind,
    Name,
    Pattern,
    SecretToken,
    SigningSecret,
    Timeout,
    Token,
    Url,
    Wait,
)

FormatName = Literal["event", "update", "cloudevents"]


class Entry(BaseModel):
    """A table of the file: no key but these, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class BotEntry(Entry):
    """A bot whose updates we take, at a path of its own: `/telegram/webhook/` and its name."""

    name: Name = Field(description="its name, once in the file; part of its path")
    token: Token = Field(description="its token, from @BotFather")
    secret_token: SecretToken | None = Field(
        None,
        description="what Telegram must send us: the `secret_token` of setWebhook, 1–256 of "
        "`A-Za-z0-9_-`; a loud warning when absent",
    )
    ingest: Literal["webhook", "polling"] = Field(
        "webhook", description="how its updates come: `webhook`, or `polling`: we ask Telegram"
    )


class FilterEntry(Entry):
    """Which updates a target gets: those that fit every list that is there; absent: all."""

    kinds: Annotated[list[Kind], Field(min_length=1, max_length=100)] | None = Field(
        None, description="kinds of updates, by Telegram's names"
    )
    chats: Annotated[list[Id], Field(min_length=1, max_length=10_000)] | None = Field(
        None, description="ids of chats; a group that becomes a supergroup stays named"
    )
    users: Annotated[list[Id], Field(min_length=1, max_length=10_000)] | None = Field(
        None, description="ids of users"
    )
    commands: Annotated[list[Command], Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="commands that a message's text or caption begins with: `/start` is any "
        "bot's, `/start@shop_bot` only that bot's; in either case",
    )
    text: Annotated[list[Pattern], Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="what the text or caption, a callback's data or an inline query must be: a "
        "pattern that the whole of it fits, in either case, where `*` is anything; or, after "
        "`re2:`, an [RE2](https://github.com/google/re2/wiki/Syntax) expression found in it",
    )


class TargetEntry(Entry):
    """A destination of updates."""

    name: Name = Field(
        description="its name, once in the file; its work goes on under this name, whatever else "
        "is changed"
    )
    url: Url = Field(description="where we post; it may hold a user and a password")
    bots: Annotated[list[Name], Field(min_length=1, max_length=1000)] | None = Field(
        None, description="the bots whose updates it gets; absent: all"
    )
    format: FormatName = Field(
        "event", description="what it receives: `event`, `update` or `cloudevents`"
    )
    secret_token: SecretToken | None = Field(
        None,
        description="sent as `X-Telegram-Bot-Api-Secret-Token`, which a bot's library checks; "
        "format `update` only",
    )
    secrets: Annotated[list[SigningSecret], Field(max_length=10)] | None = Field(
        None,
        description="sign what we send, the newest first; absent: `OUTBOUND_SECRET`; `[]`: no "
        "signature",
    )
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=50)] = Field(
        default_factory=dict,
        description="more headers, for instance `Authorization`; never one of ours",
    )
    timeout: Timeout | None = Field(
        None,
        description="deadline of one attempt; absent: 65s in format `update`, else "
        "`FORWARD_TIMEOUT_SEC`",
    )
    slots: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="attempts in flight; one of five is kept for queries; absent: `TARGET_SLOTS`",
    )
    order: Literal["lane", "none"] = Field(
        "lane", description="`lane`: in order per chat; `none`: as fast as it goes"
    )
    retries: Annotated[list[Wait], Field(max_length=1000)] | None = Field(
        None,
        description="waits after the first, second, … failure; `[]`: no second try; absent: "
        "`MAX_RETRIES` and `BASE_RETRY_DELAY_SEC`",
    )
    expired: Literal["deliver", "skip"] = Field(
        "deliver",
        description="queries that Telegram takes no answer to any more (inline after 30s, others "
        "after 150s): `deliver` them all the same, or `skip` them: dead, reason `expired`",
    )
    responder: bool = Field(
        default=False,
        description="whether a method call in its answer is executed, as by Telegram; one target "
        "of a bot may be its responder",
    )
    filter: FilterEntry | None = Field(None, description="which updates it gets; absent: all")


class ConfigFile(Entry):
    """Bots and targets, besides the environment's own."""

    bots: tuple[BotEntry, ...] = Field((), description="a `[[bots]]` for each bot")
    targets: tuple[TargetEntry, ...] = Field((), description="a `[[targets]]` for each target")


ENTRIES: dict[str, type[Entry]] = {"bots": BotEntry, "targets": TargetEntry}
"""The arrays of tables that a file may hold."""
