"""Our errors as RFC 9457 problem details, in one table."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hookgram.errors import GatewayError, NotFound, StoreError

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[GatewayError], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (StoreError, 503, "store_unavailable"),
    (GatewayError, 500, "gateway_error"),
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
    app.add_exception_handler(Exception, _unexpected)


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
            return problem(status, code, str(error))
    raise error


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "internal_error", "Something unexpected happened; the log says more.")
