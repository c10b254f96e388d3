"""The gateway, broken on purpose: `python broken.py FAULT serve`. Checkers must notice it."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import hookgram.app
from hookgram.cli.main import main
from hookgram.core.model import SECOND, Acceptance
from hookgram.store.sqlite.store import SqliteStore
from hookgram.store.sqlite.transaction import SQL
from hookgram.worker import desk

SETTLEMENTS = ("delivered", "dead", "retry")


def synchronous_normal() -> None:
    """Commits are on the disk some time later."""
    hookgram.app.open_sqlite = partial(hookgram.app.open_sqlite, synchronous="normal")


def reply_before_commit() -> None:
    """Telegram is answered while the update is still on its way to the disk."""
    commit = SqliteStore.accept
    later: set[asyncio.Task[object]] = set()

    async def accept(store, arrivals):
        async def after_a_while() -> None:
            await asyncio.sleep(0.2)
            await commit(store, arrivals)

        task = asyncio.create_task(after_a_while())
        later.add(task)
        task.add_done_callback(later.discard)
        return [Acceptance(1) for _ in arrivals]

    SqliteStore.accept = accept


def short_leases() -> None:
    """Leases end while attempts are in the air: not a fault by itself, the tokens hold."""
    desk.LEASE_MARGIN = -int(1.8 * SECOND)


def settle_without_token() -> None:
    """Whoever comes late may still write."""
    short_leases()
    for name in SETTLEMENTS:
        SQL[name] = SQL[name].replace("AND token = :token AND state = 2", "")


def promote_nothing() -> None:
    """Whatever ends the head of a lane forgets the next one."""
    SQL["promote"] = SQL["promote"].replace("AND state = 0", "AND state = 99")


FAULTS = {
    fault.__name__: fault
    for fault in (
        synchronous_normal,
        reply_before_commit,
        short_leases,
        settle_without_token,
        promote_nothing,
    )
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    sys.exit(main())
