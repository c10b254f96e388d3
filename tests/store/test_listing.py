"""Laws of what people look for: pages by filter, bounded, that leave nothing out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from hookgram.core.definition import Origin
from hookgram.core.identity import ENTROPY, event_id
from hookgram.core.listing import DeliveryFilter, EventFilter
from hookgram.core.model import DAY, HOUR, MINUTE, SECOND, DeliveryRow, State
from hookgram.errors import NotFound
from hookgram.ports import Store
from store.makers import (
    HandClock,
    accept,
    arrival,
    bury,
    claim,
    claim_one,
    definition,
    deliver,
    owe,
    owed,
    register,
    retry,
)


async def all_chosen(
    store: Store, wanted: DeliveryFilter, *, oldest_first: bool = False, limit: int = 3
) -> list[DeliveryRow]:
    """Follow the pages to their end."""
    rows: list[DeliveryRow] = []
    start: int | None = None
    while True:
        page = await store.choose(wanted, start=start, oldest_first=oldest_first, limit=limit)
        assert len(page.rows) <= limit
        rows += page.rows
        if page.next is None:
            return rows
        start = page.next


async def all_events(store: Store, wanted: EventFilter, limit: int = 3) -> list[int]:
    seqs: list[int] = []
    before: int | None = None
    while True:
        page = await store.events(wanted, before=before, limit=limit)
        seqs += [row.seq for row in page.rows]
        if page.next is None:
            return seqs
        before = page.next


@pytest.fixture
async def world(store: Store, clock: HandClock) -> Store:
    """Twelve events, a minute and a half apart, in every state, of two targets."""
    shop, other = await register(store, "shop", "other")
    for number in range(12):
        received = clock.step(90 * SECOND)
        one = arrival(
            owed(shop, "a"),
            owed(other, dead="rate_limited" if number % 4 == 0 else None),
            event_id=event_id(received, bytes([number] * ENTROPY)),
            kind="poll" if number % 3 == 0 else "message",
            chat_id=number % 2,
            received_at=received,
        )
        await accept(store, one)
        clock.step(SECOND)
        if number % 3 == 1:
            await deliver(store, await claim_one(store, shop))
        if number % 3 == 2:
            await bury(store, await claim_one(store, other))
    await store.replay([row.delivery_id for row in await store.deliveries(state=State.DEAD)][:2])
    return store


def fits(row: DeliveryRow, wanted: DeliveryFilter, event) -> bool:
    return (
        wanted.target in (None, row.target)
        and (wanted.states is None or row.state in wanted.states)
        and wanted.event_seq in (None, row.event_seq)
        and (wanted.reason is None or (row.reason or "").startswith(wanted.reason))
        and wanted.kind in (None, row.kind)
        and wanted.chat_id in (None, event.chat_id)
        and (wanted.since is None or event.received_at >= wanted.since)
        and (wanted.until is None or event.received_at < wanted.until)
        and (
            wanted.ended_before is None
            or (row.ended_at is not None and row.ended_at < wanted.ended_before)
        )
        and (wanted.replayed is None or wanted.replayed == (row.replayed_as is not None))
        and (wanted.ids is None or row.delivery_id in wanted.ids)
        and (wanted.up_to is None or row.delivery_id <= wanted.up_to)
    )


async def test_what_is_chosen_is_exactly_what_fits(world: Store):
    everything = await world.deliveries(limit=500)
    events = {row.event_seq: await world.event(row.event_id) for row in everything}
    moments = sorted(event.received_at for event in events.values())
    conditions: dict[str, Iterable[object]] = {
        "target": ["shop", "other", "nobody"],
        "states": [(State.DEAD,), (State.PENDING, State.WAITING), ()],
        "event_seq": [3, 99],
        "reason": ["http_4", "rate_limited", "nothing", "HTTP"],
        "kind": ["poll"],
        "chat_id": [0, 1],
        "since": [moments[0], moments[5], moments[5] + 1, moments[-1] + DAY],
        "until": [moments[0], moments[5], moments[5] + 1, moments[-1] + DAY],
        "ended_before": [moments[6], moments[-1] + DAY],
        "replayed": [True, False],
        "up_to": [0, everything[7].delivery_id],
        "ids": [(), (5, 3, 3, 999), tuple(range(100))],
    }
    single = [(name, value) for name, values in conditions.items() for value in values]
    for chosen in [*itertools.combinations(single, 1), *itertools.combinations(single, 2)]:
        wanted = DeliveryFilter(**dict(chosen))
        expected = [row for row in everything if fits(row, wanted, events[row.event_seq])]
        assert await all_chosen(world, wanted) == expected, wanted
        assert await all_chosen(world, wanted, oldest_first=True) == expected[::-1], wanted


async def test_each_listed_event_fits_and_none_that_fits_is_left_out(world: Store):
    everything = [row async for row in all_rows(world)]
    assert [row.seq for row in everything] == list(range(12, 0, -1))
    moments = [row.received_at for row in everything]
    for kind, chat, since, until in itertools.product(
        (None, "poll"), (None, 1), (None, moments[8]), (None, moments[3])
    ):
        wanted = EventFilter(kind=kind, chat_id=chat, since=since, until=until)
        expected = [
            row.seq
            for row in everything
            if kind in (None, row.kind)
            and chat in (None, row.chat_id)
            and (since is None or row.received_at >= since)
            and (until is None or row.received_at < until)
        ]
        assert await all_events(world, wanted) == expected, wanted


async def all_rows(store: Store):
    for row in (await store.events(EventFilter(), limit=500)).rows:
        yield row


async def test_events_are_found_by_a_delivery_that_meets_target_and_state(world: Store):
    for target, states in itertools.product(("shop", "other", None), ((State.DEAD,), None)):
        rows = await all_chosen(world, DeliveryFilter(target=target, states=states))
        expected = sorted({row.event_seq for row in rows}, reverse=True)
        assert await all_events(world, EventFilter(target=target, states=states)) == expected
    assert await all_events(world, EventFilter(target="shop", states=(State.DEAD,))) == []


async def test_an_event_counts_its_deliveries_by_state(store: Store, target):
    await accept(store, arrival(owed(target), owed(target), owed(target, dead="x")), arrival())
    newest, oldest = (await store.events(EventFilter())).rows
    assert newest.deliveries == {}
    assert oldest.deliveries == {State.PENDING: 2, State.DEAD: 1}


async def test_an_event_is_found_by_its_number_too(store: Store, target):
    await owe(store, target)
    [row] = (await store.events(EventFilter())).rows
    assert await store.event(row.seq) == await store.event(row.event_id)
    with pytest.raises(NotFound):
        await store.event(row.seq + 1)


async def test_a_page_that_finds_nothing_says_where_to_go_on(store: Store, target):
    await owe(store, target, kind="poll", dead="rare")
    await accept(store, *(arrival(owed(target, dead="x")) for _ in range(6_000)))
    for wanted in (DeliveryFilter(kind="poll"), DeliveryFilter(target="shop", reason="rare")):
        page = await store.choose(wanted)
        assert page.rows == ()
        assert page.next is not None
        assert [row.kind for row in await all_chosen(store, wanted)] == ["poll"]
    page = await store.events(EventFilter(kind="poll"))
    assert page.rows == ()
    assert page.next is not None
    assert await all_events(store, EventFilter(kind="poll")) == [1]


async def test_pages_of_events_are_stable_while_rows_arrive(store: Store, target):
    await accept(store, *(arrival(owed(target)) for _ in range(6)))
    seen: list[int] = []
    before = None
    while (page := await store.events(EventFilter(), before=before, limit=2)).rows:
        seen += [row.seq for row in page.rows]
        await owe(store, target)
        before = page.rows[-1].seq
    assert seen == [6, 5, 4, 3, 2, 1]


async def test_oldest_first_ends_where_it_was_told_to(store: Store, target):
    last = [await owe(store, target, dead="x") for _ in range(3)][-1]
    seen: list[int] = []
    start: int | None = None
    wanted = DeliveryFilter(states=(State.DEAD,), up_to=last)
    while True:
        page = await store.choose(wanted, start=start, oldest_first=True, limit=1)
        seen += [row.delivery_id for row in page.rows]
        await owe(store, target, dead="x")
        if page.next is None:
            break
        start = page.next
    assert seen == [1, 2, 3]


async def test_a_replayed_delivery_names_its_newest_replay(store: Store, target):
    old = await owe(store, target, dead="x")
    assert (await store.delivery(old)).replayed_as is None
    await store.replay([old])
    [second] = await store.replay([old])
    assert (await store.delivery(old)).replayed_as == second
    assert (await store.delivery(second)).replayed_as is None


async def test_what_can_be_replayed_is_of_a_target_that_is_there(store: Store):
    shop, gone = await register(store, "shop", "gone")
    kept, _ = await owe(store, shop, dead="x"), await owe(store, gone, dead="x")
    await store.remove("gone")
    assert len((await store.choose(DeliveryFilter())).rows) == 2
    page = await store.choose(DeliveryFilter(replayable=True))
    assert [row.delivery_id for row in page.rows] == [kept]


async def test_a_clock_set_back_by_less_than_a_minute_hides_nothing(
    store: Store, clock: HandClock, target
):
    moments = []
    for step in (HOUR, -59 * SECOND) * 6:
        moments.append(clock.step(step))
        await owe(store, target, received_at=clock.now, dead="x")
    for moment in moments:
        late = [n for n, at in enumerate(moments, 1) if at >= moment][::-1]
        early = [n for n, at in enumerate(moments, 1) if at < moment][::-1]
        rows = await all_chosen(store, DeliveryFilter(since=moment))
        assert [row.delivery_id for row in rows] == late
        rows = await all_chosen(store, DeliveryFilter(ended_before=moment))
        assert [row.delivery_id for row in rows] == early
        assert await all_events(store, EventFilter(since=moment)) == late
        assert await all_events(store, EventFilter(until=moment)) == early


async def test_the_page_that_holds_the_last_says_that_it_does(store: Store, target):
    await accept(store, *(arrival(owed(target)) for _ in range(3)))
    assert (await store.choose(DeliveryFilter(), limit=3)).next is None
    assert (await store.choose(DeliveryFilter(), oldest_first=True, limit=3)).next is None
    assert (await store.events(EventFilter(), limit=3)).next is None
    assert (await store.events(EventFilter(), limit=2)).next == 2


async def test_targets_are_listed_with_what_was_counted(store: Store, clock: HandClock):
    born = clock.now
    [shop, _] = await register(store, "shop", "idle")
    await accept(store, *(arrival(owed(shop, delay=MINUTE)) for _ in range(3)))
    await owe(store, shop, dead="x")
    for _ in range(2):
        await owe(store, shop)
    await deliver(store, await claim_one(store, shop))
    await bury(store, await claim_one(store, shop))
    await store.purge([4])
    row, idle = await store.targets()
    assert (row.name, row.origin, row.hosts) == ("shop", Origin.ENV, ("shop.example.com",))
    assert (row.created, row.delivered, row.dead, row.cancelled, row.purged) == (6, 1, 2, 0, 1)
    assert (row.unsettled, row.dead_kept) == (3, 1)
    assert (row.created_at, row.oldest_due, row.state) == (born, born + MINUTE, "ok")
    assert (idle.created, idle.oldest_due) == (0, None)


async def test_a_target_shows_when_it_is_paused_orphaned_or_back(store: Store, clock: HandClock):
    api = definition("added", origin=Origin.API)
    await store.register([definition("shop"), api])
    await store.pause("shop")
    assert [row.state for row in await store.targets()] == ["paused", "ok"]
    moment = clock.step(MINUTE)
    await store.register([])
    clock.step(MINUTE)
    await store.register([])
    shop, added = await store.targets()
    assert (shop.state, shop.orphaned_at) == ("orphaned", moment)
    assert added.state == "ok"
    await store.register([definition("shop")])
    assert [row.state for row in await store.targets()] == ["paused", "ok"]
    await store.remove("shop")
    assert [row.name for row in await store.targets()] == ["added"]


async def test_a_target_removed_and_back_counts_anew(store: Store, target):
    await owe(store, target)
    await store.remove("shop")
    await register(store, "shop")
    [row] = await store.targets()
    assert (row.created, row.cancelled) == (0, 0)


async def test_targets_in_trouble_show_what_is_due(store: Store, clock: HandClock, target):
    await owe(store, target)
    await retry(store, await claim_one(store, target), wait=MINUTE)
    assert [row.oldest_due for row in await store.targets()] == [clock.now + MINUTE]
    clock.step(MINUTE)
    await claim(store, target)
    assert [row.oldest_due for row in await store.targets()] == [None]
