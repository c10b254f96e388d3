"""No statement walks a big table, whatever the statistics say."""

from __future__ import annotations

from pathlib import Path

from fakes.postgres import connected
from hookgram.store.postgres.transaction import LIMITS, SQL

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


def test_every_statement_is_used_and_every_used_one_is_there():
    folder = Path(__file__).parents[3] / "src/hookgram/store/postgres"
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    assert [name for name in SQL if f'"{name}"' not in code] == []
