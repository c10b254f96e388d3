"""A store of the former version, with rows in every state, opened by this one."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from fakes import former
from hookgram.core.model import MINUTE, Claim, State
from store.backends import Backend, Postgres
from store.makers import accept, arrival, claim, claim_one, deliver, owed, register


@pytest.fixture
async def told(backend: Backend, source: Path):
    """What the former version says of the store it has just made."""
    if isinstance(backend, Postgres):
        return json.loads(await former.fill(source, "postgres", await backend.empty()))
    return json.loads(await former.fill(source, "sqlite", str(backend.path)))


async def listed(store) -> dict[str, list[list[object]]]:
    rows = [
        [
            *(row.delivery_id, row.event_id, row.target, row.state, row.attempts),
            *(row.failures, row.due_at, row.reason, row.replay_of),
        ]
        for row in await store.deliveries(limit=100)
    ]
    counts = sorted([*key, value] for key, value in (await store.counts()).items())
    return {"rows": rows, "counts": counts}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_former_version_is_an_earlier_one(source, kind):
    assert former.version(kind, source) < former.version(kind)


async def test_openers_at_the_same_moment_find_all_that_was_there(told, open_store):
    held = told.pop("held")
    stores = await asyncio.gather(*(open_store(f"replica{n}") for n in range(4)))
    for store in stores:
        assert await listed(store) == told
        assert held[0] in [row[0] for row in told["rows"]]


async def test_everything_goes_on_where_the_former_version_left_it(told, open_store, clock):
    store = await open_store()
    shop, quiet = await register(store, "shop", "quiet")
    assert (quiet.paused, shop.paused) == (True, False)
    assert await store.offset(42) == 11
    assert await store.webhook_secret(42, "other") == "made"
    assert await store.take_duty("poll", "you", MINUTE) is None
    [again] = await accept(store, arrival(owed(shop), update_id=5))
    assert again is None
    await store.resume("quiet")
    head = await claim_one(store, shop)
    await record(store, head, *told["held"])
    await deliver(store, head)
    clock.step(2 * MINUTE)
    assert [head.event.update_id, *await deliver_all(store, shop, quiet)] == [2, 3, 4]
    states = Counter(row.state for row in await store.deliveries(limit=100))
    assert states == {State.DELIVERED: 10, State.DEAD: 2, State.CANCELLED: 1}
    counts = await store.counts()
    for name in ("shop", "quiet", "gone"):
        ended = [counts.get((name, word), 0) for word in ("delivered", "dead", "cancelled")]
        assert counts[name, "created"] == sum(ended)


async def record(store, like: Claim, delivery_id: int, token: int, until: int) -> None:
    """Record a try that began under the former version; once."""
    held = replace(like, delivery_id=delivery_id, token=token, leased_until=until)
    assert not (await deliver(store, held)).lost
    assert (await deliver(store, held)).lost


async def deliver_all(store, *targets) -> list[int]:
    """Deliver what is due, turn after turn; tell in which order those of lane a came."""
    order = []
    while claims := await claim(store, *targets):
        for one in claims:
            order += [one.event.update_id] if one.event.lane == "a" else []
            await deliver(store, one)
    return order
