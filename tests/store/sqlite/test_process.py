"""A process of its own that writes: what crosses to it, and how either of the two ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.gateway import children
from hookgram.errors import NotFound, SchemaMismatch, StoreBroken, StoreError
from hookgram.store.sqlite import open_sqlite, upkeep
from hookgram.store.sqlite.connection import MIGRATIONS, Opening, open_writer
from hookgram.store.sqlite.frames import Frames, framed
from hookgram.store.sqlite.process import InProcess
from hookgram.store.sqlite.writer import Writer
from store.makers import HandClock, accept, arrival, claim, deliver, owe, owed, register

ABANDONED = """
import asyncio, signal, sys, os
from pathlib import Path
from fakes.gateway import children
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock, accept, arrival

async def main():
    store = await open_sqlite(Path(sys.argv[1]), clock=HandClock(), apart=True)
    await accept(store, arrival())
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    print(*children(os.getpid()), flush=True)
    await told.wait()
    asking = asyncio.ensure_future(accept(store, arrival()))
    while not store._writer._under_way:
        await asyncio.sleep(0)
    print("asked", flush=True)
    await asking

asyncio.run(main())
"""


class Asking(NamedTuple):
    """A process that asks another to write, until it is killed."""

    process: asyncio.subprocess.Process
    writer: int

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()


async def abandoned(path: Path) -> Asking:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ABANDONED, str(path)),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    return Asking(process, int(await process.stdout.readline()))


async def ended(process: int) -> None:
    """Wait until the process behind the descriptor is gone."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(process, over.set)
    async with asyncio.timeout(10):
        await over.wait()
    asyncio.get_running_loop().remove_reader(process)
    os.close(process)


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
    asking = await abandoned(path)
    gone = os.pidfd_open(asking.writer)
    asking.process.kill()
    await asking.process.wait()
    await ended(gone)
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
    assert [answer is None for [answer] in await asyncio.gather(*waiting)] == [False] * 30
    assert children(os.getpid()) == before
    log = path.with_name("events.db-wal")
    assert not log.exists() or log.stat().st_size == 0


async def test_what_it_tells_before_anybody_listens_is_not_lost(path: Path, clock: HandClock):
    line = await InProcess.open(Opening(path=path), "main")
    other = await open_sqlite(path, clock=clock)
    await accept(other, arrival())
    async with asyncio.timeout(10):
        while not line._early:
            await accept(other, arrival())
    line._process.kill()
    async with asyncio.timeout(10):
        await line._process.wait()
        while not line._over:
            await other.probe()
        with pytest.raises(StoreBroken, match="the process that writes"):
            await Writer(line, clock).call(upkeep.probe)
    await other.close()


async def test_what_was_under_way_is_not_carried_out_when_those_who_asked_are_gone(
    path: Path, clock: HandClock
):
    asking = await abandoned(path)
    gone = os.pidfd_open(asking.writer)
    with closing(apsw.Connection(str(path))) as other:
        other.execute("BEGIN IMMEDIATE")
        asking.process.send_signal(signal.SIGUSR1)
        assert await asking.line() == "asked"
        asking.process.kill()
        await asking.process.wait()
        other.execute("ROLLBACK")
        await ended(gone)
    store = await open_sqlite(path, clock=clock)
    assert (await store.counts())["", "accepted"] == 1
    await store.close()


async def test_one_that_stands_still_does_not_hold_up_the_end(
    open_file, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hookgram.store.sqlite.writer.CLOSING", 0.2)
    before = set(children(os.getpid()))
    store = await open_file(apart=True)
    [writer] = set(children(os.getpid())) - before
    os.kill(writer, signal.SIGSTOP)
    waiting = asyncio.ensure_future(accept(store, arrival()))
    async with asyncio.timeout(10):
        with pytest.raises(StoreBroken):
            await store.close()
        with pytest.raises(StoreBroken):
            await waiting
    assert set(children(os.getpid())) == before


async def test_an_order_that_cannot_cross_hangs_nobody(open_file):
    store = await open_file(apart=True)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            store._writer.call(lambda _: None), accept(store, arrival()), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {StoreBroken}
        await store.close()


async def test_one_that_cannot_be_started_is_told_in_our_words(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(StoreBroken, match="cannot be started"):
        await open_sqlite(path, clock=clock, apart=True)


async def test_one_that_is_gone_already_can_be_killed_all_the_same(path: Path):
    line = await InProcess.open(Opening(path=path), "main")
    line._process.kill()
    async with asyncio.timeout(10):
        await line._process.wait()
        line.kill()
        await line.ended()
