"""Orders that concern many deliveries, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hookgram.core.definition import Origin
from hookgram.core.listing import DeliveryFilter, EventFilter
from hookgram.core.model import State
from hookgram.errors import NotFound, Refused
from hookgram.store.sqlite import SqliteStore, open_sqlite
from hookgram.usecases import bulk, search, targets
from store.makers import (
    HandClock,
    accept,
    arrival,
    claim,
    definition,
    deliver,
    ids,
    owe,
    owed,
    register,
)

DEAD = DeliveryFilter(states=(State.DEAD,))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(tmp_path / "events.db", clock=HandClock())
    yield opened
    await opened.close()


async def breathe() -> None:
    await asyncio.sleep(0)


async def bury_many(store: SqliteStore, count: int, lane: str | None = "a") -> None:
    [shop] = await register(store, "shop")
    for start in range(0, count, 500):
        letters = [owed(shop, lane, dead="x") for _ in range(min(500, count - start))]
        await accept(store, *(arrival(letter, lane=lane) for letter in letters))


async def replay_all(store: SqliteStore, wanted: DeliveryFilter = DEAD) -> list[bulk.Done]:
    chosen = await bulk.until_now(store, bulk.replayable(wanted))
    return [done async for done in bulk.replay(store, store, chosen, breathe=breathe)]


async def test_a_count_is_what_the_order_does_and_a_second_order_does_nothing(store):
    await bury_many(store, 1_201)
    chosen = await bulk.until_now(store, bulk.replayable(DEAD))
    [*_, counted] = [found async for found in bulk.count(store, chosen)]
    assert counted.found == {"shop": 1_201}
    done = await replay_all(store)
    assert [one.done for one in done] == [500, 1_000, 1_201]
    assert (done[-1].gone, done[-1].last) == (0, 1_201)
    assert await replay_all(store) == []
    assert (await store.counts())["shop", "created"] == 2_402


async def test_replays_come_in_the_order_of_old(store):
    await bury_many(store, 600)
    await replay_all(store)
    [shop] = await register(store, "shop")
    seen = []
    while claims := await claim(store, shop):
        seen += [claims[0].event.seq]
        await deliver(store, claims[0])
    assert seen == list(range(1, 601))


async def test_what_dies_meanwhile_is_none_of_it(store):
    await bury_many(store, 600)
    chosen = await bulk.until_now(store, bulk.replayable(DEAD))
    async for _ in bulk.replay(store, store, chosen, breathe=breathe):
        await bury_many(store, 10)
    assert len((await store.choose(bulk.replayable(DEAD))).rows) == 20


async def test_an_order_that_is_cut_goes_on_where_it_was(store):
    await bury_many(store, 1_100)
    chosen = await bulk.until_now(store, bulk.replayable(DEAD))
    steps = bulk.replay(store, store, chosen, breathe=breathe)
    assert (await anext(steps)).done == 500
    await steps.aclose()
    assert [one.done for one in await replay_all(store)] == [500, 600]


async def test_what_went_between_the_look_and_the_order_is_told(store):
    await bury_many(store, 5)

    class Hasty:
        """Purges a letter between the look at it and its replay."""

        async def replay(self, delivery_ids: Sequence[int]) -> list[int]:
            await store.purge([3])
            return await store.replay(delivery_ids)

    chosen = bulk.replayable(DEAD)
    [done] = [one async for one in bulk.replay(store, Hasty(), chosen, breathe=breathe)]
    assert (done.done, done.gone) == (4, 1)
    assert sorted(row.replay_of or 0 for row in await store.deliveries(limit=4)) == [1, 2, 4, 5]


async def test_what_is_on_its_way_or_replayed_is_not_replayed_again(store):
    [shop] = await register(store, "shop")
    pending, delivered = await owe(store, shop, delay=10**9), await owe(store, shop)
    await deliver(store, (await claim(store, shop))[0])
    dead = await owe(store, shop, dead="x")
    await store.replay([dead])
    await replay_all(store, DeliveryFilter())
    assert [row.replay_of for row in await store.deliveries(limit=2)] == [delivered, dead]
    assert (await store.delivery(pending)).replayed_as is None


async def test_letters_of_a_removed_target_are_not_replayed(store):
    await bury_many(store, 3)
    await store.remove("shop")
    assert await replay_all(store) == []


async def test_a_purge_removes_all_that_is_wanted_and_nothing_else(store):
    await bury_many(store, 700)
    [shop] = await register(store, "shop")
    other = await owe(store, shop, dead="y")
    wanted = DeliveryFilter(reason="x")
    done = [one async for one in bulk.purge(store, store, wanted, breathe=breathe)]
    assert [one.done for one in done] == [500, 700]
    assert ids_of(await store.deliveries(limit=500)) == [other]


def ids_of(rows) -> list[int]:
    return [row.delivery_id for row in rows]


async def test_named_letters_must_be_dead_and_have_a_target(store):
    shop, gone = await register(store, "shop", "gone")
    dead, pending = await owe(store, shop, dead="x"), await owe(store, shop)
    orphan = await owe(store, gone, dead="x")
    assert (await bulk.named_dead(store, [dead, dead])).ids == (dead,)
    with pytest.raises(Refused, match="pending, no dead letter"):
        await bulk.named_dead(store, [dead, pending])
    with pytest.raises(NotFound):
        await bulk.named_dead(store, [99])
    with pytest.raises(Refused, match="500"):
        await bulk.named_dead(store, range(501))
    await store.remove("gone")
    assert (await bulk.named_dead(store, [orphan])).ids == (orphan,)
    with pytest.raises(Refused, match="was removed"):
        await bulk.named_dead(store, [orphan], replayable=True)


async def test_a_search_gathers_pages_until_it_has_enough(store):
    [shop] = await register(store, "shop")
    await owe(store, shop, dead="rare", kind="poll")
    await bury_many(store, 3_000)
    await owe(store, shop, dead="rare", kind="poll")
    page = await search.find_deliveries(store, DeliveryFilter(reason="rare"), limit=2)
    assert (ids_of(page.rows), page.next) == ([3_002, 1], None)
    events = await search.find_events(store, EventFilter(kind="poll"), limit=1)
    assert [row.seq for row in events.rows] == [3_002]
    rest = await search.find_events(store, EventFilter(kind="poll"), before=events.next)
    assert ([row.seq for row in rest.rows], rest.next) == ([1], None)


async def test_a_search_that_ends_early_says_where_to_go_on(store, monkeypatch):
    monkeypatch.setattr(search, "PATIENCE", 2)
    await bury_many(store, 3_000)
    page = await search.find_deliveries(store, DeliveryFilter(reason="rare"))
    assert (page.rows, page.next) == ((), 1_001)


async def test_an_event_is_shown_with_what_became_of_it(store):
    [shop] = await register(store, "shop")
    dead = await owe(store, shop, dead="x")
    [new] = await store.replay([dead])
    shown = await search.show_event(store, 1)
    assert ids_of([one.delivery for one in shown.deliveries]) == [dead, new]
    assert not shown.more
    event, delivery = await search.show_delivery(store, dead)
    assert (event, delivery.delivery.replayed_as) == (shown.event, new)


async def test_a_configured_target_is_not_removed_unless_that_is_meant(store):
    await store.register([definition("shop"), definition("added", origin=Origin.API)])
    shop, added = await store.targets()
    targets.check_removable(added, anyway=False)
    targets.check_removable(shop, anyway=True)
    with pytest.raises(Refused, match="still configured"):
        targets.check_removable(shop, anyway=False)
    await store.register([])
    targets.check_removable(await targets.named(store, "shop"), anyway=False)
    with pytest.raises(NotFound, match="shop, added"):
        await targets.named(store, "nobody")


async def test_a_removal_tells_how_far_it_is_and_counts_what_others_cancelled(store):
    [shop] = await register(store, "shop")
    await accept(store, *(arrival(owed(shop, "a")) for _ in range(1_700)))
    told: list[int] = []
    assert await targets.remove(store, store, "shop", tell=told.append) == 1_700
    assert told[-1] == 1_700
    with pytest.raises(NotFound):
        await targets.remove(store, store, "shop", tell=told.append)
    assert ids(await claim(store, shop)) == []
