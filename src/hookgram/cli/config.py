"""``hookgram config``: the settings in force, where each came from, and what is made from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from hookgram.core.definition import Origin
from hookgram.core.redact import MASK, safe_url
from hookgram.core.signing import receiver_secret
from hookgram.errors import SettingsError

if TYPE_CHECKING:
    from hookgram.settings import Settings


def config(
    *,
    receiver: Annotated[
        bool,
        typer.Option("--receiver", help="Print OUTBOUND_SECRET as Standard Webhooks wants it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print .env.example.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of the configuration file.")
    ] = False,
) -> None:
    """Show the settings in force and where each came from; secrets are masked."""
    from hookgram.settings import load, table  # noqa: PLC0415  (slow; `--help` needs it not)

    if example:
        typer.echo(table.as_example(), nl=False)
    elif schema:
        from hookgram.settings.file.schema import as_schema  # noqa: PLC0415

        typer.echo(as_schema(), nl=False)
    elif receiver:
        secret = load().outbound_secret
        if secret is None:
            raise SettingsError(["OUTBOUND_SECRET: is not set; set it to sign what we send"])
        typer.echo(receiver_secret(secret.get_secret_value()))
    else:
        _show(_rows(), as_json=as_json)


def _rows() -> list[dict[str, Any]]:
    from hookgram.settings import load  # noqa: PLC0415
    from hookgram.settings.loading import ENV_FILE, NAMES  # noqa: PLC0415
    from hookgram.settings.sources import origins  # noqa: PLC0415

    settings = load()
    sources = origins(NAMES, ENV_FILE)
    rows = [
        {
            "name": name,
            "value": _shown(getattr(settings, name.lower())),
            "source": sources[name],
        }
        for name in NAMES
    ]
    return [*rows, *_of_file(settings)]


def _of_file(settings: Settings) -> list[dict[str, Any]]:
    """List the bots and targets of the configuration file: where they are, nothing private."""
    own = [one.bot.name for one in settings.bots()][settings.bot_token is not None :]
    places = {f"bots.{one.bot.name}": one.path for one in settings.bots() if one.bot.name in own}
    places |= {
        f"targets.{definition.name}": safe_url(definition.urls[0])
        for definition in settings.definitions()
        if definition.origin is Origin.FILE
    }
    source = settings.config_file or ""
    return [{"name": name, "value": value, "source": source} for name, value in places.items()]


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, str) and "://" in value:
        return safe_url(value)
    if isinstance(value, tuple | frozenset):
        return [_shown(one) for one in sorted(value)]
    return value


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    console = Console()
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif console.is_terminal:
        table = Table("setting", "value", "source", box=None)
        for row in rows:
            table.add_row(row["name"], _words(row["value"]), row["source"])
        console.print(table)
    else:
        for row in rows:
            typer.echo(f"{row['name']}={_words(row['value'])}\t# {row['source']}")


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
