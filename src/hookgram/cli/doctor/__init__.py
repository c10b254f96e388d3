"""``hookgram doctor``: looks at everything the gateway needs and says what to mend."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    *,
    network: Annotated[
        bool,
        typer.Option(
            "--network/--no-network", help="Ask Telegram and connect to the targets, or do not."
        ),
    ] = True,
    send_test: Annotated[
        bool,
        typer.Option(
            "--send-test",
            help="Post one signed test (event: test, header X-Gateway-Test) to every target and "
            "tell the answer. Without it targets are only connected to.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON when all is checked.")
    ] = False,
) -> None:
    """Look at settings, store, clock, Telegram, targets and platform; say what to do.

    Ends with 0 when there is no problem, else with 1. Changes nothing.
    """
    from hookgram.cli.doctor.visit import visit  # noqa: PLC0415

    raise typer.Exit(visit(network=network, send_test=send_test, as_json=as_json))
