"""The cost of a call does not grow with what is waiting: in pages looked at, not in time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from hookgram.core.definition import Target
from hookgram.core.model import DAY, Priority
from hookgram.store.postgres import PostgresStore
from hookgram.store.postgres.transaction import SQL, Row, View
from store.makers import accept, arrival, claim, claim_one, deliver, owed, register

FEW, MANY = 500, 15_000
Fill: TypeAlias = Callable[[PostgresStore, Target, Target, int], Awaitable[None]]


async def one_lane(store: PostgresStore, live: Target, _: Target, rows: int) -> None:
    await fill(store, rows, lambda _: owed(live, "a"))


async def a_lane_each(store: PostgresStore, live: Target, _: Target, rows: int) -> None:
    await fill(store, rows, lambda n: owed(live, f"lane {n}"))


async def a_dead_target_beside(store: PostgresStore, live: Target, dead: Target, rows: int) -> None:
    await fill(store, rows, lambda n: owed(dead, f"lane {n}"))
    await fill(store, 200, lambda n: owed(live, f"lane {n}"))


async def all_due_later(store: PostgresStore, live: Target, _: Target, rows: int) -> None:
    await fill(store, rows, lambda n: owed(live, f"l {n}", delay=DAY))
    urgent = Priority.INTERACTIVE
    await fill(store, rows // 10, lambda n: owed(live, f"u {n}", delay=DAY, priority=urgent))
    await fill(store, 200, lambda n: owed(live, f"lane {n}"))


async def fill(store: PostgresStore, rows: int, make: Callable[[int], Any]) -> None:
    for start in range(0, rows, 500):
        step = range(start, min(start + 500, rows))
        await accept(store, *(arrival(make(n), lane=make(n).lane) for n in step))


class Pages:
    """Adds up the pages that statements look at: each is explained first, and taken back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen = 0
        plain = View.rows

        async def rows(view: View, name: str, /, **values: Any) -> list[Row]:
            await self._add(view, name, values)
            return await plain(view, name, **values)

        monkeypatch.setattr(View, "rows", rows)

    async def _add(self, view: View, name: str, values: dict[str, Any]) -> None:
        statement = SQL[name]
        given = [values[each] for each in statement.names]
        alone = not view._db.is_in_transaction()
        await view._db.execute("BEGIN" if alone else "SAVEPOINT explained")
        how = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)"
        plan = json.loads(await view._db.fetchval(f"{how} {statement.sql}", *given))[0]["Plan"]
        await view._db.execute("ROLLBACK" if alone else "ROLLBACK TO explained")
        self.seen += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    async def of(self, call: Awaitable[Any]) -> tuple[int, Any]:
        before = self.seen
        answer = await call
        return self.seen - before, answer


async def costs(store: PostgresStore, pages: Pages, live: Target) -> dict[str, int]:
    cost: dict[str, int] = {}
    await deliver(store, await claim_one(store, live))  # the functions' plans are made
    cost["claim"], claims = await pages.of(claim(store, live, limit=40))
    assert claims
    cost["settle"], _ = await pages.of(deliver(store, claims[0]))
    cost["accept"], _ = await pages.of(accept(store, arrival(owed(live, "a"))))
    cost["due"], _ = await pages.of(store.due())
    step = store.forget(retention=0, dead_retention=0, dedup=DAY)
    cost["forget"], _ = await pages.of(step)
    cost["page"], _ = await pages.of(store.deliveries(target="live", limit=20))
    return cost


@pytest.mark.parametrize("shape", [one_lane, a_lane_each, a_dead_target_beside, all_due_later])
async def test_the_cost_does_not_grow_with_what_is_waiting(replica, monkeypatch, shape: Fill):
    store = await replica()
    live, dead = await register(store, "live", "dead")
    await shape(store, live, dead, FEW)
    with monkeypatch.context() as patched:
        few = await costs(store, Pages(patched), live)
    await shape(store, live, dead, MANY)
    with monkeypatch.context() as patched:
        many = await costs(store, Pages(patched), live)
    # An index that is a level higher costs a page more for each row that is looked up.
    assert {
        name: (few[name], seen) for name, seen in many.items() if seen > 2 * few[name] + 20
    } == {}
