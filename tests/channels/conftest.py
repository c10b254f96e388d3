"""Channels against real servers on loopback, on both event loops we may run on."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import uvloop

from hookgram.channels.registry import Channels
from hookgram.core.definition import Definition, Origin
from hookgram.core.model import SECOND
from hookgram.core.outcome import Outbound
from hookgram.core.retry import RetryPolicy

CERTIFICATE = Path(__file__).parent / "data" / "localhost.pem"
"""A key and its self-signed certificate for the name localhost; worth nothing anywhere else."""


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def channels():
    async with Channels() as ways:
        yield ways


@pytest.fixture
def definition():
    def make(*urls: str, name: str = "target", origin: Origin = Origin.ENV) -> Definition:
        retry = RetryPolicy(waits=(), max_age=SECOND)
        return Definition(name=name, urls=urls, origin=origin, retry=retry)

    return make


@pytest.fixture
def outbound():
    def make(body: bytes = b'{"n":1}', *, seconds: float = 10, **headers: str) -> Outbound:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Outbound(headers=named, body=body, timeout=int(seconds * SECOND))

    return make


@pytest.fixture
def send(channels, definition, outbound):
    """Send once to a URL: the same URL is the same target."""

    async def once(url: str, body: bytes = b'{"n":1}', *, seconds: float = 10, **headers: str):
        channel = channels.channel_for(definition(url, name=url))
        return await channel.send(outbound(body, seconds=seconds, **headers))

    return once


@pytest.fixture
def impatient(monkeypatch):
    """Give up on a body that does not end sooner, to spare the test's time."""
    monkeypatch.setattr("hookgram.channels.http.BODY_PATIENCE", 0.1)


@pytest.fixture
def certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def trusting():
    return ssl.create_default_context(cafile=str(CERTIFICATE))
