"""A Bot API on loopback, and replicas that poll it."""

from __future__ import annotations

import pytest

from fakes.pollers import TOKEN, Replica
from hookgram.demo.bot_api import FakeBotApi


@pytest.fixture
async def server():
    async with FakeBotApi(TOKEN) as server:
        yield server


@pytest.fixture
async def replica(server, tmp_path):
    """Make a replica; all are on one store, and gone at the end."""
    made = []

    async def make(name: str = "one") -> Replica:
        made.append(await Replica(name, server, tmp_path / "events.db").open())
        return made[-1]

    yield make
    for one in made:
        await one.close()
