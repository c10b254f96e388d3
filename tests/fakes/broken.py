"""The gateway, broken on purpose: `python broken.py FAULT serve`. Checkers must notice it."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial

from hookgram.cli.main import main
from hookgram.core.model import SECOND
from hookgram.errors import StoreBroken
from hookgram.observe.watchdog import Watchdog
from hookgram.store import opening, sqlite
from hookgram.store.sqlite.log import Log
from hookgram.store.sqlite.store import SqliteStore
from hookgram.store.sqlite.transaction import SQL
from hookgram.worker import desk
from hookgram.worker.loop import Worker

SETTLEMENTS = ("delivered", "dead", "retry")


def in_one_process() -> None:
    """What writes the store is here too, so that it can be broken from here."""
    opening.processors = lambda: 1


def synchronous_normal() -> None:
    """Commits are on the disk some time later."""
    sqlite.open_sqlite = partial(sqlite.open_sqlite, synchronous="normal")


def reply_before_commit() -> None:
    """Telegram is answered while the update is still on its way to the disk."""
    commit = SqliteStore.accept
    later: set[asyncio.Task[object]] = set()

    def accept(store, arrivals, *, offset=None):
        async def after_a_while() -> None:
            await asyncio.sleep(0.2)
            await commit(store, arrivals, offset=offset)

        task = asyncio.create_task(after_a_while())
        later.add(task)
        task.add_done_callback(later.discard)
        at_once = asyncio.get_running_loop().create_future()
        at_once.set_result([1 for _ in arrivals])
        return at_once

    SqliteStore.accept = accept


def short_leases() -> None:
    """Leases end while attempts are in the air: not a fault by itself, the tokens hold."""
    desk.LEASE_MARGIN = -29 * SECOND


def settle_without_token() -> None:
    """Whoever comes late may still write."""
    in_one_process()
    short_leases()
    for name in SETTLEMENTS:
        SQL[name] = SQL[name].replace("AND token = :token AND state = 2", "")


def promote_nothing() -> None:
    """Whatever ends the head of a lane forgets the next one."""
    in_one_process()
    SQL["promote"] = SQL["promote"].replace("AND state = 0", "AND state = 99")


def slow_start() -> None:
    """The store takes a second to open, and says when it begins."""
    opened = sqlite.open_sqlite

    async def open_slowly(*where, **how):
        sys.stdout.write('"opening"\n')
        sys.stdout.flush()
        await asyncio.sleep(1)
        return await opened(*where, **how)

    sqlite.open_sqlite = open_slowly


def no_last_checkpoint() -> None:
    """The disk fails when the log is to be put away at the end."""
    in_one_process()

    def cut(log):
        raise StoreBroken("the store's file or disk fails: disk I/O error")

    Log.cut = cut


def stands_still() -> None:
    """The loop hangs in the middle of its work, and the watchdog is quick."""

    async def run(worker, stop):
        time.sleep(3600)  # noqa: ASYNC251

    Worker.run = run
    Watchdog.__init__.__kwdefaults__["limit"] = 1.0


FAULTS = {
    fault.__name__: fault
    for fault in (
        synchronous_normal,
        reply_before_commit,
        short_leases,
        settle_without_token,
        promote_nothing,
        slow_start,
        no_last_checkpoint,
        stands_still,
    )
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    sys.exit(main())
