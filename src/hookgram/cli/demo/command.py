"""The command: its options, and nothing that is slow to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    *,
    seconds: Annotated[
        int, typer.Option(min=2, max=3600, help="How long Telegram posts, in seconds.")
    ] = 30,
    rate: Annotated[int, typer.Option(min=1, max=500, help="Updates posted in a second.")] = 40,
    keep: Annotated[
        bool, typer.Option("--keep", help="Run on, at a tenth of the rate, until Ctrl-C.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Keep everything in this folder and go on from what is there; "
            "else in a temporary one.",
            file_okay=False,
        ),
    ] = None,
) -> None:
    """See it work: no token and no network needed, nothing outside this machine is called."""
    from hookgram.cli.demo.show import Options, run  # noqa: PLC0415  (slow; `--help` needs it not)

    raise typer.Exit(run(Options(seconds=seconds, rate=rate, keep=keep, data=data)))
