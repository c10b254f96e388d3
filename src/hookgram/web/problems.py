"""Our errors as RFC 9457 problem details, in one table."""

from __future__ import annotations

import traceback
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hookgram.core.facts import TaskFailed
from hookgram.errors import GatewayError, NotFound, StoreError
from hookgram.ports import Notice
from hookgram.web.exchange import Asgi, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (StoreError, 503, "store_unavailable"),
    (GatewayError, 500, "gateway_error"),
    (TimeoutError, 503, "timeout"),
)
"""Looked through in this order: the more particular first."""


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Make a problem answer. *code* is stable; *detail* is for people."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(
        content | {"code": code} | more, status, headers=headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Have the application answer every error as a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(GatewayError, _ours)
    app.add_exception_handler(TimeoutError, _ours)
    app.add_exception_handler(Exception, _unexpected)


def contained(app: Asgi, notice: Notice) -> Asgi:
    """Tell a bug as a fact instead of to the server; its answer was sent before it came here."""

    async def contain(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception:  # noqa: BLE001 - it is told
            where = f"{scope.get('method', scope['type'])} {scope.get('path', '')}"
            notice(TaskFailed(where=where, error=traceback.format_exc()))

    return contain


async def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = HTTPStatus(error.status_code).name.lower()
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, code, str(error.detail), headers=headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # Without the rejected input, which may hold a secret.
    errors = [{"loc": list(one["loc"]), "msg": one["msg"]} for one in error.errors()]
    return problem(422, "invalid_request", "The request is not valid.", errors=errors)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            return problem(status, code, str(error) or "It took too long; try again.")
    raise error


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "internal_error", "Something unexpected happened; the log says more.")
