"""The writer: group commit, trouble that passes, trouble that lasts, the end."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hookgram.core.model import DAY, SECOND, State, Want
from hookgram.errors import NotFound, StoreBroken, StoreUnavailable
from hookgram.store.sqlite import open_sqlite, target_book
from store.makers import LEASE, HandClock, accept, arrival, claim_one, deliver, owe, owed, register
from store.sqlite.flaky import FlakyDisk

READ_ALONE = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


async def commits_of(store) -> list[int]:
    counted = []
    db = store._writer._line.executor.db
    await store._writer.between(lambda _: db.set_commit_hook(lambda: bool(counted.append(1))))
    return counted


async def test_calls_that_wait_together_share_a_commit(open_file):
    store = await open_file()
    [target] = await register(store, "shop")
    commits = await commits_of(store)
    await asyncio.gather(*(accept(store, arrival(owed(target))) for _ in range(200)))
    assert len(commits) <= 20
    assert (await store.counts())["shop", "created"] == 200


async def test_a_call_that_fails_in_a_batch_fails_alone(open_file):
    store = await open_file()
    [target] = await register(store, "shop")
    commits = await commits_of(store)
    calls = [accept(store, arrival(owed(target), user_id=2**64 * (n == 7))) for n in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Exception)] == [7]
    assert isinstance(answers[7], OverflowError)
    assert len(commits) <= 4
    assert len(await store.deliveries()) == 19


async def test_while_another_holds_the_file_it_is_unavailable_and_then_works(open_file, path: Path):
    store = await open_file(busy_timeout=SECOND // 50)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(
        *(accept(store, arrival()) for _ in range(5)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert await store.counts() == {}
    other.execute("ROLLBACK")
    other.close()
    await accept(store, arrival())


async def test_when_it_is_full_it_is_unavailable_drains_and_works_when_there_is_room(open_file):
    store = await open_file(max_pages=100)
    [target] = await register(store, "shop")
    await owe(store, target)
    claimed = await claim_one(store, target)
    big = b"x" * 500_000
    answers = await asyncio.gather(
        accept(store, arrival(body=big)),
        deliver(store, claimed),
        accept(store, arrival(body=big)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers[::2]] == [StoreUnavailable] * 2
    assert not answers[1].lost
    await fill_up(store)
    with pytest.raises(StoreUnavailable):
        await store.probe()
    await store.forget(retention=0, dead_retention=0, dedup=0)
    await store._writer.between(lambda one: one.db.pragma("max_page_count", 10_000))
    await store.probe()
    await accept(store, arrival(body=big))


async def fill_up(store) -> None:
    for size in (50_000, 4_000, 100):
        for _ in range(200):
            try:
                await accept(store, arrival(body=b"x" * size))
            except StoreUnavailable:
                break
        else:
            raise AssertionError("the store is never full")


async def test_a_full_disk_while_committing_takes_nothing_and_passes(path: Path, clock: HandClock):
    disk = FlakyDisk()
    store = await open_sqlite(path, clock=clock, vfs=disk.name)
    [target] = await register(store, "shop")
    disk.trouble = apsw.FullError
    with pytest.raises(StoreUnavailable):
        await accept(store, arrival(owed(target)))
    await store.checkpoint()
    disk.trouble = None
    assert (await store.counts()).get(("", "accepted")) is None
    await accept(store, arrival(owed(target)))
    assert len(await store.deliveries()) == 1
    await store.close()


async def test_when_the_disk_fails_it_is_broken_for_all_and_for_good(path: Path, clock: HandClock):
    disk = FlakyDisk()
    store = await open_sqlite(path, clock=clock, vfs=disk.name)
    await accept(store, arrival())
    disk.trouble = apsw.IOError
    answers = await asyncio.gather(
        *(accept(store, arrival()) for _ in range(5)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {StoreBroken}
    disk.trouble = None
    for _ in range(2):
        with pytest.raises(StoreBroken):
            await store.probe()
    await store.close()
    again = await open_sqlite(path, clock=clock)
    assert (await again.counts())["", "accepted"] >= 1
    await again.close()


async def test_a_checkpoint_that_fails_breaks_the_store_and_is_not_tried_again(
    path: Path, clock: HandClock
):
    disk = FlakyDisk()
    store = await open_sqlite(path, clock=clock, vfs=disk.name)
    await accept(store, arrival(body=b"x" * 5_000_000))
    disk.trouble = apsw.IOError
    with pytest.raises(StoreBroken):
        await store.checkpoint()
    with pytest.raises(StoreBroken):
        await store.probe()
    disk.trouble = None
    await store.close()


async def test_a_last_checkpoint_that_fails_is_told(path: Path, clock: HandClock):
    disk = FlakyDisk()
    store = await open_sqlite(path, clock=clock, vfs=disk.name)
    await accept(store, arrival())
    disk.trouble = apsw.IOError
    with pytest.raises(StoreBroken):
        await store.close()
    disk.trouble = None
    again = await open_sqlite(path, clock=clock)
    assert (await again.counts())["", "accepted"] == 1
    await again.close()


async def test_closing_finishes_what_waits_and_refuses_what_comes_later(open_file, path: Path):
    store = await open_file()
    waiting = [asyncio.ensure_future(accept(store, arrival())) for _ in range(30)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    assert [answer is None for [answer] in await asyncio.gather(*waiting)] == [False] * 30
    for call in (store.probe, store.counts, store.checkpoint, store.due):
        with pytest.raises(StoreUnavailable):
            await call()
    await store.close()
    again = await open_file()
    assert (await again.counts())["", "accepted"] == 30


async def test_a_claim_that_nobody_took_is_released_before_the_store_closes(open_file):
    store = await open_file()
    [target] = await register(store, "shop")
    await owe(store, target)
    claiming = asyncio.ensure_future(
        store.claim([Want(target_id=target.target_id, limit=1, lease=LEASE)])
    )
    await asyncio.sleep(0)
    claiming.cancel()
    await store.close()
    again = await open_file()
    assert (await claim_one(again, target)).attempt == 1


async def test_a_claim_answered_in_the_turn_of_its_cancellation_is_released(open_file):
    store = await open_file()
    [target] = await register(store, "shop")
    await owe(store, target)
    claiming = asyncio.ensure_future(
        store.claim([Want(target_id=target.target_id, limit=1, lease=LEASE)])
    )
    hand_back = store._writer._hand_back

    def cancel_just_after(results) -> None:
        hand_back(results)
        claiming.cancel()

    store._writer._hand_back = cancel_just_after
    await asyncio.wait([claiming])
    assert claiming.cancelled()
    store._writer._hand_back = hand_back
    await store.probe()
    assert (await claim_one(store, target)).attempt == 1


async def test_another_connections_commits_are_noticed_and_our_own_are_not(open_file):
    one, two = await open_file(shard="one"), await open_file(shard="two")
    noticed = asyncio.Event()
    one.on_change(noticed.set)
    two.on_change(noticed.clear)
    await accept(two, arrival())
    async with asyncio.timeout(5):
        await noticed.wait()
    noticed.clear()
    mine = asyncio.Event()
    await accept(two, arrival())
    two.on_change(mine.set)
    async with asyncio.timeout(5):
        await noticed.wait()
    assert not mine.is_set()


async def test_the_log_is_copied_while_work_goes_on_and_cut_at_the_end(open_file, path: Path):
    store = await open_file()
    log = path.with_name("events.db-wal")
    for _ in range(12):
        await accept(store, arrival(body=b"x" * 4_000_000))
    assert log.stat().st_size < 15_000_000
    await store.close()
    assert not log.exists() or log.stat().st_size == 0


async def test_at_rest_all_is_in_the_file_and_the_log_is_written_over(open_file, path: Path):
    store = await open_file()
    log = path.with_name("events.db-wal")
    await accept(store, arrival(body=b"x" * 6_000_000))
    await store.checkpoint()
    with closing(apsw.Connection(f"file:{path}?immutable=1", flags=READ_ALONE)) as file:
        assert file.execute("SELECT sum(length(body)) FROM event").get == 6_000_000
    length = log.stat().st_size
    assert length > 6_000_000
    for _ in range(50):
        await accept(store, arrival(body=b"x" * 50_000))
    assert log.stat().st_size == length


async def test_a_log_that_a_reader_made_long_is_cut_at_rest(open_file, path: Path):
    store = await open_file()
    log = path.with_name("events.db-wal")
    await accept(store, arrival())
    with closing(apsw.Connection(str(path))) as other:
        reading = other.execute("SELECT * FROM counter, sqlite_schema")
        next(reading)
        for _ in range(12):
            await accept(store, arrival(body=b"x" * 4_000_000))
        await store.checkpoint()
        assert log.stat().st_size > 45_000_000
    await store.checkpoint()
    assert log.stat().st_size == 0


async def test_a_reader_in_the_way_does_not_hold_the_writer(open_file, path: Path):
    store = await open_file()
    await accept(store, arrival(body=b"x" * 5_000_000))
    other = apsw.Connection(str(path))
    reading = other.execute("SELECT * FROM counter, sqlite_schema")
    next(reading)
    async with asyncio.timeout(2):
        await store.checkpoint()
        await accept(store, arrival())
    reading.close()
    other.close()


def test_a_store_outlives_a_loop_that_ended_without_closing_it(path: Path, clock: HandClock):
    async def abandon():
        store = await open_sqlite(path, clock=clock)
        call = asyncio.ensure_future(accept(store, arrival()))
        await asyncio.sleep(0)
        call.cancel()
        return store

    async def take_over():
        store = await open_sqlite(path, clock=clock)
        await accept(store, arrival())
        await store.close()

    with asyncio.Runner() as runner:
        abandoned = runner.run(abandon())
    with asyncio.Runner() as runner:
        runner.run(take_over())
    abandoned._reader._thread.shutdown()
    abandoned._writer._line.end()
    abandoned._writer._line._thread.join(5)
    assert not abandoned._writer._line._thread.is_alive()


async def test_a_bug_in_the_thread_hangs_nobody(open_file, monkeypatch: pytest.MonkeyPatch):
    store = await open_file()
    monkeypatch.setattr(store._writer._line.executor.log, "after_commit", lambda: 1 / 0)
    async with asyncio.timeout(5):
        await accept(store, arrival())
        answers = await asyncio.gather(
            *(accept(store, arrival()) for _ in range(3)), return_exceptions=True
        )
    assert {type(answer) for answer in answers} == {StoreBroken}
    await store.close()


async def test_forgetting_that_is_rolled_back_is_done_again(open_file, clock: HandClock):
    store = await open_file()
    [target] = await register(store, "shop")
    await owe(store, target)
    await deliver(store, await claim_one(store, target))
    clock.step(1)
    step = {"retention": 0, "dead_retention": DAY, "dedup": DAY}
    _, forgotten = await asyncio.gather(
        accept(store, arrival(user_id=2**64)), store.forget(**step), return_exceptions=True
    )
    assert forgotten.events == 1


async def test_a_removal_cut_in_the_middle_leaves_no_lane_stuck_and_is_finished_later(
    open_file, monkeypatch: pytest.MonkeyPatch
):
    store = await open_file()
    [target] = await register(store, "shop")
    for lane in ("a", "b", "a", "b", "a"):
        await owe(store, target, lane)
    leased = await claim_one(store, target)
    monkeypatch.setattr(target_book, "STEP", 2)
    for _ in range(2):
        await store._writer.call(lambda tx: bool(target_book.remove(tx, "shop")))
        await store._writer.call(lambda tx: target_book._cancel(tx, target.target_id))
        rows = [row for row in await store.deliveries() if row.ended_at is None]
        assert rows[-1].state in (State.PENDING, State.LEASED)
        assert sum(row.state is not State.WAITING for row in rows) == min(len(rows), 2)
    assert not (await deliver(store, leased)).lost
    await store.close()
    again = await open_file()
    assert await again.register([]) == []
    states = [row.state for row in await again.deliveries()]
    assert sorted(states) == [State.DELIVERED] + [State.CANCELLED] * 4
    with pytest.raises(NotFound):
        await again.remove("shop")


async def test_what_was_refused_at_the_end_is_not_done_when_a_hanging_disk_comes_back(
    open_file, path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hookgram.store.sqlite.writer.CLOSING", 0.2)
    store = await open_file()
    hanging, back = threading.Event(), threading.Event()

    def hang(_) -> None:
        hanging.set()
        back.wait(10)

    stuck = asyncio.ensure_future(store._writer.between(hang))
    assert await asyncio.to_thread(hanging.wait, 10)
    refused = asyncio.ensure_future(accept(store, arrival()))
    await asyncio.sleep(0)
    with pytest.raises(StoreBroken):
        await store.close()
    for call in (stuck, refused):
        with pytest.raises(StoreBroken):
            await call
    back.set()
    await asyncio.to_thread(store._writer._line._thread.join, 10)
    again = await open_file()
    assert await again.counts() == {}
