"""Replicas of the former version are exchanged for new ones while everybody works."""

from __future__ import annotations

import random

import pytest

from fakes import former
from fakes.cluster import Cluster
from fakes.gateway import Process

REFUSED = 74


@pytest.mark.timeout(120)
async def test_replicas_are_exchanged_one_by_one_and_nothing_is_lost_or_comes_twice(tmp_path):
    source = former.unpack(tmp_path / "former")
    async with Cluster(tmp_path, 2, random.Random(1), source=source) as cluster:
        one, other = cluster.replicas
        assert await cluster.schema() == former.version("postgres", source)
        async with cluster.loaded(cut=False):
            await cluster.more(50)
            new = await cluster.add()
            assert await cluster.schema() == former.version("postgres")
            for replica in (one, other, new):
                await at_work(replica)
            assert await one.stop() == 0
            await refuses(one)
            assert await other.stop() == 0
            await cluster.more(50)
        await cluster.ended()
        verdict = await cluster.audit()
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged > 100
    assert '"level":"error"' not in cluster.log()


async def at_work(replica: Process) -> None:
    """Wait until it has delivered 20 more."""
    sent = replica.log().count(SENT)
    await replica.until(lambda: replica.log().count(SENT) >= sent + 20, what="its deliveries")


SENT = "✅ Sent"


async def refuses(replica: Process) -> None:
    """Start it on a schema that is newer than it knows: it says so and ends."""
    await replica.launch()
    assert await replica.ended() == REFUSED
    assert "run the newer hookgram" in replica.log()
