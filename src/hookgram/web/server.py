"""Builds the ASGI application from ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI

from hookgram import __version__
from hookgram.ports import Journal, Notice
from hookgram.usecases.intake import Intake
from hookgram.web import problems
from hookgram.web.bodies import Bodies
from hookgram.web.closed import Closed
from hookgram.web.door import Door
from hookgram.web.exchange import Asgi
from hookgram.web.health import health_routes
from hookgram.web.ingest import Ingest

DESCRIPTION = (
    "The gateway in front of a Telegram bot: stored before answered, delivered at least once."
)


def create_app(
    *,
    doors: Mapping[str, Door],
    intake: Intake | None,
    journal: Journal,
    not_ready: Callable[[], list[str]],
    public_mode: bool,
    max_body: int,
    notice: Notice,
) -> Asgi:
    """Build the application: Telegram's doors in front, everything else behind them.

    *doors* are by path, and closed without an *intake*; *not_ready* tells why no traffic should
    come; *max_body* is in bytes.
    """
    app = FastAPI(
        title="hookgram",
        version=__version__,
        description=DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(health_routes(journal, not_ready, public_mode=public_mode))
    problems.install(app)
    inner = problems.contained(app, notice)
    if intake is None:
        return Closed(inner, doors, notice)
    paths = {path: _described(door) for path, door in doors.items()}
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        schema["paths"].update(paths)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return Ingest(inner, doors, intake, bodies=Bodies(largest=max_body), notice=notice)


def _described(door: Door) -> dict[str, Any]:
    """Describe a door by hand: it stands in front of FastAPI."""
    answers = {
        200: "stored, or a duplicate, or refused by the access rules and counted",
        403: "wrong or missing secret",
        408: "the body took too long",
        413: "the body is too large",
        503: "could not store; ask again",
    }
    if door.secret is None:
        del answers[403]
        answers[400] = "not an update, and no secret is configured"
    return {
        "post": {
            "summary": f"Take an update of bot {door.bot.name} from Telegram",
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
            "parameters": [
                {
                    "in": "header",
                    "name": "X-Telegram-Bot-Api-Secret-Token",
                    "required": door.secret is not None,
                    "schema": {"type": "string"},
                }
            ],
            "responses": {str(code): {"description": text} for code, text in answers.items()},
        }
    }
