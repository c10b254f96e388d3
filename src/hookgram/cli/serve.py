"""``hookgram serve``: the gateway in the foreground."""

from __future__ import annotations

from typing import Annotated

import typer

from hookgram.core.role import Role

PORTS = 65_535


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Listen here instead of on HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=PORTS, help="Listen here instead of on PORT.")
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(help="Do only this part of the work, instead of what ROLE says."),
    ] = None,
) -> None:
    """Run the gateway: take updates, deliver them, until stopped."""
    from hookgram.app import serve as run  # noqa: PLC0415  (slow to import; only this needs it)
    from hookgram.settings import load  # noqa: PLC0415

    chosen = {"host": host, "port": port, "role": role}
    given = {name: value for name, value in chosen.items() if value is not None}
    raise typer.Exit(run(load().model_copy(update=given)))
