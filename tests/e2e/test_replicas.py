"""Many replicas on one PostgreSQL, and everything that can die does: the ledger closes."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from functools import partial

import pytest

from fakes.cluster import Cluster

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "1"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


def say(line: str) -> None:
    """Have it shown beside a failure, and by ``make soak``."""
    sys.stdout.write(f"{line}\n")


async def trouble(cluster: Cluster) -> None:
    """One replica is frozen; meanwhile the others are killed and the database dies, in any order.

    It dies twice: once it comes back as it was, once its standby takes its place.
    """
    frozen, *others = cluster.chance.sample(cluster.replicas, len(cluster.replicas))
    kills = [partial(cluster.kill, replica) for replica in others]
    faults = [*kills, cluster.crash, cluster.fail_over]
    cluster.chance.shuffle(faults)
    await cluster.more(30)
    async with asyncio.TaskGroup() as group:
        group.create_task(cluster.freeze(frozen))
        for fault in faults:
            await cluster.more(cluster.chance.randrange(10, 50))
            await fault()
    await cluster.started()


@pytest.mark.timeout(180 + 60 * ROUNDS)
async def test_replicas_that_die_and_freeze_and_lose_the_database_lose_nothing(tmp_path):
    say(f"SOAK_SEED={SEED}")
    async with Cluster(tmp_path, 4, random.Random(SEED)) as cluster:
        async with cluster.loaded():
            for _ in range(ROUNDS):
                await trouble(cluster)
        await cluster.ended()
        verdict = await cluster.audit()
        explained = [cluster.explained(receiver) for receiver in cluster.receivers]
        say(f"{verdict}; explained of each target: {explained}")
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged > 100
    assert cluster.wire.cuts > 5
    assert "lapsed" in cluster.log(), "nobody held anything when it was killed"
