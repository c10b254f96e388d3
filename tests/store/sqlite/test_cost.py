"""The cost of a call does not grow with what is waiting: in SQLite's own steps, not in time."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import apsw
import pytest

from hookgram.core.definition import Target
from hookgram.core.listing import DeliveryFilter, EventFilter
from hookgram.core.model import DAY, Priority, State
from hookgram.store.sqlite import SqliteStore, open_sqlite
from hookgram.store.sqlite.connection import Opening, open_writer
from hookgram.store.sqlite.transaction import SQL
from store.makers import START, HandClock, accept, arrival, claim, deliver, owed, register

FEW, MANY = 1_000, 50_000
Fill: TypeAlias = Callable[[SqliteStore, Target, Target, int], Awaitable[None]]


async def one_lane(store: SqliteStore, live: Target, _: Target, rows: int) -> None:
    await fill(store, rows, lambda _: owed(live, "a"))


async def a_lane_each(store: SqliteStore, live: Target, _: Target, rows: int) -> None:
    await fill(store, rows, lambda n: owed(live, f"lane {n}"))


async def a_dead_target_beside(store: SqliteStore, live: Target, dead: Target, rows: int) -> None:
    await fill(store, rows, lambda n: owed(dead, f"lane {n}"))
    await fill(store, 200, lambda n: owed(live, f"lane {n}"))


async def all_due_later(store: SqliteStore, live: Target, _: Target, rows: int) -> None:
    await fill(store, rows, lambda n: owed(live, f"l {n}", delay=DAY))
    urgent = Priority.INTERACTIVE
    await fill(store, rows // 10, lambda n: owed(live, f"u {n}", delay=DAY, priority=urgent))
    await fill(store, 200, lambda n: owed(live, f"lane {n}"))


async def fill(store: SqliteStore, rows: int, make: Callable[[int], Any]) -> None:
    for start in range(0, rows, 500):
        step = range(start, min(start + 500, rows))
        await accept(store, *(arrival(make(n), lane=make(n).lane) for n in step))


class Steps:
    """Adds up the steps of the statements that one connection runs."""

    def __init__(self, db: apsw.Connection) -> None:
        self.taken = 0
        db.trace_v2(apsw.SQLITE_TRACE_PROFILE, self._add)

    def _add(self, told: dict[str, Any]) -> None:
        self.taken += told["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

    async def of(self, call: Awaitable[Any]) -> tuple[int, Any]:
        before = self.taken
        answer = await call
        return self.taken - before, answer


async def costs(folder: Path, shape: Fill, rows: int) -> dict[str, int]:
    clock = HandClock()
    store = await open_sqlite(folder / f"{rows}.db", clock=clock)
    try:
        live, dead = await register(store, "live", "dead")
        await shape(store, live, dead, rows)
        writing = await store._writer.between(lambda one: Steps(one.db))
        reading = Steps(store._reader._db)
        cost: dict[str, int] = {}
        cost["claim"], claims = await writing.of(claim(store, live, limit=40))
        assert claims
        cost["settle"], _ = await writing.of(deliver(store, claims[0]))
        cost["accept"], _ = await writing.of(accept(store, arrival(owed(live, "a"))))
        cost["due"], _ = await reading.of(store.due())
        step = store.forget(retention=0, dead_retention=0, dedup=DAY)
        cost["forget"], _ = await writing.of(step)
        cost["page"], _ = await reading.of(store.deliveries(target="live", limit=20))
        cost["events"], page = await reading.of(store.events(EventFilter(since=START), limit=20))
        assert page.rows
        dead = DeliveryFilter(target="live", states=(State.DEAD,), reason="none", since=START)
        cost["chosen"], _ = await reading.of(store.choose(dead))
        cost["targets"], _ = await reading.of(store.targets())
        return cost
    finally:
        await store.close()


@pytest.mark.parametrize("shape", [one_lane, a_lane_each, a_dead_target_beside, all_due_later])
async def test_the_cost_does_not_grow_with_what_is_waiting(tmp_path: Path, shape: Fill):
    few, many = await costs(tmp_path, shape, FEW), await costs(tmp_path, shape, MANY)
    assert {name: steps for name, steps in many.items() if steps > 1.5 * few[name]} == {}


def test_no_statement_walks_a_big_table(path: Path):
    db = open_writer(Opening(path=path))
    walks = []
    for name, sql in SQL.items():
        if name.startswith("move_count"):  # everything is to be counted, and nobody waits
            continue
        for *_, step in db.execute(f"EXPLAIN QUERY PLAN {sql}", values_for(sql)):
            big = step.startswith(("SCAN d", "SCAN e", "SCAN x", "SCAN seen", "SCAN attempt"))
            walks += [(name, step)] if big else []
    db.close()
    assert walks == []


def values_for(sql: str) -> dict[str, Any] | tuple[int, ...]:
    names = re.findall(r":(\w+)", sql)
    return dict.fromkeys(names, 1) if names else (1,) * sql.count("?")


def test_every_statement_is_used_and_every_used_one_is_there():
    folder = Path(__file__).parents[3] / "src/hookgram/store/sqlite"
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    assert [name for name in SQL if f'"{name}"' not in code] == []


async def test_claims_use_no_time_of_idle_targets(tmp_path: Path, clock: HandClock):
    store = await open_sqlite(tmp_path / "idle.db", clock=clock)
    try:
        targets = await register(store, *(f"target {n}" for n in range(300)))
        reading = Steps(store._reader._db)
        idle, _ = await reading.of(store.due())
        await accept(store, arrival(owed(targets[7])))
        one, due = await reading.of(store.due())
        assert due == {targets[7].target_id: clock.now}
        assert idle < one < 200
    finally:
        await store.close()
