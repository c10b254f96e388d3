"""The commands, and what their ends mean to a shell.

Exit codes: 0 done, 1 an answer of no, 2 usage, 74 input or output failed, 75 in use,
78 configuration.
"""

from __future__ import annotations

import errno
import sys
import traceback
from typing import Annotated

import typer

from hookgram import __version__
from hookgram.cli.chats import chats
from hookgram.cli.config import config
from hookgram.cli.dead import dead
from hookgram.cli.demo.command import demo
from hookgram.cli.doctor import doctor
from hookgram.cli.events import events
from hookgram.cli.move.command import move
from hookgram.cli.serve import serve
from hookgram.cli.targets import targets
from hookgram.cli.webhook import webhook
from hookgram.core.redact import mask
from hookgram.core.visible import lines
from hookgram.errors import (
    GatewayError,
    NotFound,
    Refused,
    SettingsError,
    StoreInUse,
    StoreMissing,
    TelegramRefused,
    TokenRejected,
)

EXIT_NO = 1
EXIT_IO = 74
EXIT_IN_USE = 75
EXIT_CONFIGURATION = 78
NO_STORE = (
    "`hookgram serve` makes it when it first starts. If it lies elsewhere, set SQLITE_PATH to it."
)
EXITS = {
    0: "done; for `serve`: stopped by a signal, as it should",
    EXIT_NO: "an answer of no, or a bug (which says so)",
    2: "the command line was not understood",
    EXIT_IO: "input or output failed: the store cannot be used or trusted; look before restarting",
    EXIT_IN_USE: "in use: another gateway or a move has the store, or somebody the port",
    EXIT_CONFIGURATION: "the settings are wrong; every problem is printed with what to do",
}
"""What the exit codes mean, for the documentation."""

cli = typer.Typer(
    name="hookgram",
    help="The gateway in front of a Telegram bot.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command(epilog="hookgram serve --host 127.0.0.1 --port 8080")(serve)
cli.command()(demo)
cli.command(epilog="hookgram config --json\n\nhookgram config --receiver")(config)
cli.command()(doctor)
cli.add_typer(webhook, name="webhook")
cli.add_typer(events, name="events")
cli.add_typer(dead, name="dead")
cli.add_typer(targets, name="targets")
cli.add_typer(chats, name="chats")
cli.command()(move)


def _version(value: bool) -> None:  # noqa: FBT001  (the option's own shape)
    if value:
        typer.echo(f"hookgram {__version__}")
        raise typer.Exit


@cli.callback()
def _main(
    version: Annotated[  # noqa: FBT002  (its callback does it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take every update, keep it, deliver it."""


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        cli(prog_name="hookgram")
    except (GatewayError, OSError) as error:
        return _told(error)
    except Exception:  # noqa: BLE001  (the process's edge: a traceback must not show a secret)
        _say("hookgram: this is a bug, please report it:", mask(traceback.format_exc(), _secrets()))
        return EXIT_NO
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _told(error: GatewayError | OSError) -> int:
    """Say what is the matter and what to do; return what that is to a shell."""
    code = EXIT_IO
    said = [f"hookgram: {error.strerror if isinstance(error, OSError) else error}"]
    match error:
        case SettingsError(problems=problems):
            code = EXIT_CONFIGURATION
            said = ["hookgram cannot start with these settings:", *(f"  • {p}" for p in problems)]
        case StoreMissing():
            code = EXIT_CONFIGURATION
            said.append(NO_STORE)
        case TokenRejected():
            code = EXIT_CONFIGURATION
        case StoreInUse():
            code = EXIT_IN_USE
        case OSError(errno=errno.EADDRINUSE):
            code = EXIT_IN_USE
        case NotFound() | Refused() | TelegramRefused():
            code = EXIT_NO
    _say(*(lines(mask(line)) for line in said))
    return code


def _say(*lines: str) -> None:
    print(*lines, sep="\n", file=sys.stderr)  # noqa: T201  (this is what a person reads)


def _secrets() -> list[str]:
    """Return what must not be shown, as far as the settings can be read."""
    from hookgram.settings import load  # noqa: PLC0415

    try:
        return load().secrets()
    except GatewayError:
        return []
