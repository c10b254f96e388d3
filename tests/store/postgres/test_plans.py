"""No statement walks a big table, whatever the statistics say."""

from __future__ import annotations

import re
from pathlib import Path

from fakes.postgres import connected
from hookgram.store.postgres.transaction import LIMITS, SQL
from store.makers import (
    accept,
    arrival,
    bury,
    claim,
    claim_one,
    deliver,
    owed,
    register,
    release,
    retry,
)

BIG = ("delivery", "event", "attempt", "seen", "lane", "refused_chat")


async def test_no_statement_walks_a_big_table(url):
    walks = []
    async with connected(url) as connection:
        await connection.execute(f"BEGIN; {LIMITS}")
        for name, statement in SQL.items():
            if not statement.sql.startswith(("WITH", "SELECT", "INSERT", "UPDATE", "DELETE")):
                continue
            if name.startswith("move_count"):  # everything is to be counted, and nobody waits
                continue
            await connection.execute(f"PREPARE one_{name} AS {statement.sql}")
            values = f"({', '.join('NULL' for _ in statement.names)})" if statement.names else ""
            plan = await connection.fetch(f"EXPLAIN EXECUTE one_{name}{values}")
            walks += [
                (name, row[0])
                for row in plan
                if any(f"Seq Scan on {table} " in f"{row[0]} " for table in BIG)
            ]
        await connection.execute("ROLLBACK")
    assert walks == []


HEARD = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_nested_statements = on;
SET client_min_messages = log
"""


async def test_no_function_walks_a_big_table_either(replica, url):
    store = await replica()
    [target] = await register(store, "shop")
    await accept(store, *(arrival(owed(target)) for _ in range(100)))
    for one in await claim(store, target, limit=100):
        await deliver(store, one)
    async with connected(url) as connection:
        await connection.execute("VACUUM ANALYZE")  # a moment of rest, misleading as it can be
    plans: list[str] = []
    for writer in (store._taking, store._working):
        connection = await writer._link.open()
        await connection.execute(HEARD)
        connection.add_log_listener(lambda _, message: plans.append(message.message))
    for end in (retry, release, deliver, bury):
        one = arrival(owed(target, end.__name__))
        await accept(store, one, one, arrival(owed(target, end.__name__)))
        await end(store, await claim_one(store, target))
    await store.replay([(await store.deliveries())[0].delivery_id])
    told = "\n".join(plans)
    for table in (*BIG, "lease"):
        if table != "refused_chat":
            assert f" on {table}" in told, "the functions' statements are not heard"
    assert [plan for plan in plans if walks_of(plan)] == []


def walks_of(plan: str) -> list[str]:
    """Return the scans of big tables that look at more than what was named."""
    lines = plan.splitlines()
    scans = [
        (line.strip(), following)
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if any(re.search(rf"Scan.* on {table}\b", line) for table in (*BIG, "lease"))
    ]
    return [line for line, following in scans if " Cond: " not in following]


def test_every_statement_is_used_and_every_used_one_is_there():
    folder = Path(__file__).parents[3] / "src/hookgram/store/postgres"
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    assert [name for name in SQL if f'"{name}"' not in code] == []
