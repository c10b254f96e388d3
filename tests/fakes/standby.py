"""A standby that has each commit before the primary answers it."""

from __future__ import annotations

import asyncio

from fakes.postgres import Server, connected


async def follow(standby: Server, primary: Server) -> None:
    """Have *primary* answer no commit from now on that *standby* does not have on its disk."""
    await asyncio.to_thread(standby.copy, primary)
    async with connected(primary.url()) as connection:
        await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await connection.execute("SELECT pg_reload_conf()")
        following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        async with asyncio.timeout(30):
            while not await connection.fetchval(following):
                pass


async def fail_over(primary: Server, standby: Server) -> None:
    """Have *primary* die, and *standby* take its place."""
    await asyncio.to_thread(primary.kill)
    await asyncio.to_thread(standby.promote)
