"""What platforms and people ask: is it there, is it alive, is it ready, how much is waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from hookgram.core.counters import figures
from hookgram.ports import Journal

SERVICE = "telegram-webhook-gateway"
COUNTS_DEADLINE = 5.0
"""Seconds."""


def health_routes(
    journal: Journal, not_ready: Callable[[], list[str]], *, public_mode: bool
) -> APIRouter:
    """Make the routes. *not_ready* tells why no traffic should come; uptime counts from now."""
    routes = APIRouter()
    started = time.monotonic()

    @routes.head("/", include_in_schema=False)
    @routes.get("/", summary="What this is")
    async def root() -> dict[str, str | bool]:
        return {"status": "ok", "service": SERVICE, "public_mode": public_mode}

    @routes.head("/health", include_in_schema=False)
    @routes.get("/health", summary="Alive: platforms restart by it")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    @routes.head("/health/ready", include_in_schema=False)
    @routes.get("/health/ready", summary="Ready to do its part")
    async def ready() -> JSONResponse:
        reasons = not_ready()
        if reasons:
            return JSONResponse({"status": "not ready", "reasons": reasons}, status_code=503)
        return JSONResponse({"status": "ready"})

    @routes.get("/stats", summary="How much is waiting")
    async def stats() -> dict[str, int]:
        async with asyncio.timeout(COUNTS_DEADLINE):
            counts = await journal.counts()
        return figures(counts) | {"uptime_sec": int(time.monotonic() - started)}

    return routes
