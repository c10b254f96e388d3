"""A process of its own that writes: what crosses to it, and how either of the two ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.gateway import children
from hookgram.errors import NotFound, SchemaMismatch, StoreBroken, StoreError
from hookgram.store.sqlite import open_sqlite
from hookgram.store.sqlite.connection import MIGRATIONS, Opening, open_writer
from hookgram.store.sqlite.frames import Frames, framed
from store.makers import HandClock, accept, arrival, claim, deliver, owe, owed, register

ABANDONED = """
import asyncio, sys, time
from pathlib import Path
from fakes.gateway import children
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock, accept, arrival
import os

async def main():
    store = await open_sqlite(Path(sys.argv[1]), clock=HandClock(), apart=True)
    await accept(store, arrival())
    print(*children(os.getpid()), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@given(st.lists(st.binary(max_size=300), max_size=20), st.data())
def test_frames_come_out_as_they_went_in_however_they_are_cut(values, data):
    stream = b"".join(framed(value) for value in values)
    frames, got = Frames(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += frames.feed(stream[:size])
        stream = stream[size:]
    assert got == values


async def test_when_it_is_killed_the_store_is_broken_for_all_and_what_it_kept_is_there(
    open_file, path: Path, clock: HandClock
):
    before = set(children(os.getpid()))
    store = await open_file(apart=True)
    [target] = await register(store, "shop")
    await owe(store, target)
    [writer] = set(children(os.getpid())) - before
    os.kill(writer, signal.SIGKILL)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            *(accept(store, arrival()) for _ in range(3)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {StoreBroken}
        with pytest.raises(StoreBroken, match="the process that writes"):
            await store.probe()
        await store.close()
    again = await open_sqlite(path, clock=clock)
    assert len(await claim(again, target)) == 1
    await again.close()


async def test_it_ends_with_those_who_asked_it(path: Path, clock: HandClock):
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ABANDONED, str(path)),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert asking.stdout is not None
    gone = os.pidfd_open(int(await asking.stdout.readline()))
    asking.kill()
    await asking.wait()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(gone, ended.set)
    async with asyncio.timeout(10):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(gone)
    os.close(gone)
    store = await open_sqlite(path, clock=clock)
    assert (await store.counts())["", "accepted"] == 1
    await store.close()


async def test_it_does_not_hear_the_signals_that_stop_a_gateway(open_file):
    before = set(children(os.getpid()))
    store = await open_file(apart=True)
    [writer] = set(children(os.getpid())) - before
    assert os.getsid(writer) != os.getsid(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(writer, number)
    await accept(store, arrival())


async def test_trouble_while_it_opens_the_file_is_told_as_it_is(tmp_path: Path, clock: HandClock):
    before = children(os.getpid())
    newer = tmp_path / "newer.db"
    db = open_writer(Opening(path=newer))
    db.pragma("user_version", len(MIGRATIONS) + 1)
    db.close()
    with pytest.raises(SchemaMismatch):
        await open_sqlite(newer, clock=clock, apart=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="folder"):
        await open_sqlite(tmp_path / "folder", clock=clock, apart=True)
    assert children(os.getpid()) == before


async def test_what_is_huge_crosses_and_a_call_that_fails_fails_alone(open_file):
    store = await open_file(apart=True)
    [target] = await register(store, "shop")
    body = os.urandom(3_000_000)
    calls = [
        accept(store, arrival(owed(target), body=body, user_id=2**64 * (n == 4))) for n in range(9)
    ]
    answers = await asyncio.gather(*calls, store.pause("nobody"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [
        *[list] * 4,
        OverflowError,
        *[list] * 4,
        NotFound,
    ]
    claims = await claim(store, target, limit=9)
    assert [one.event.body for one in claims] == [body] * 8
    for one in claims:
        assert not (await deliver(store, one)).lost


async def test_closing_finishes_what_waits_and_leaves_no_process(open_file, path: Path):
    before = children(os.getpid())
    store = await open_file(apart=True)
    waiting = [asyncio.ensure_future(accept(store, arrival())) for _ in range(30)]
    await asyncio.sleep(0)
    await store.close()
    assert [answer.duplicate for [answer] in await asyncio.gather(*waiting)] == [False] * 30
    assert children(os.getpid()) == before
    log = path.with_name("events.db-wal")
    assert not log.exists() or log.stat().st_size == 0
