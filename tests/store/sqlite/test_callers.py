"""Callers of the writer: many that take turns, and those that leave."""

from __future__ import annotations

import asyncio

import pytest

from hookgram.store.sqlite.executor import Batch
from hookgram.store.sqlite.transaction import Transaction
from hookgram.store.sqlite.writer import BATCH, FEW, _half
from store.makers import accept, arrival

CALLERS, FIRST = 64, 10


@pytest.mark.parametrize(
    ("waiting", "answered", "leaving"),
    [
        (1, 0, FEW),
        (FEW, 0, FEW),
        (54, 10, 32),
        (10, 54, 32),
        (33, 32, 33),
        (64, 0, 32),
        (10_000, BATCH, BATCH),
    ],
)
def test_half_of_all_who_ask_leave_but_a_few_together(
    waiting: int, answered: int, leaving: int
) -> None:
    assert _half(waiting, answered) == leaving


async def test_callers_that_come_back_take_turns_in_halves_however_they_began(
    open_file, monkeypatch: pytest.MonkeyPatch
):
    store = await open_file()
    sizes: list[int] = []
    left = [asyncio.Event()]
    enough = asyncio.Event()
    send = store._writer._line.send

    def sending(batch: Batch) -> None:
        sizes.append(sum(len(items) for _, _, items in batch.orders))
        left.append(asyncio.Event())
        left[-2].set()
        if len(sizes) == 12:
            enough.set()
        send(batch)

    monkeypatch.setattr(store._writer._line, "send", sending)

    async def come_again(number: int) -> None:
        if number >= FIRST:
            await left[0].wait()
        while True:
            await accept(store, arrival())
            await left[-1].wait()

    callers = [asyncio.ensure_future(come_again(number)) for number in range(CALLERS)]
    async with asyncio.timeout(30):
        await enough.wait()
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert sizes[0] == FIRST
    assert set(sizes[4:]) == {CALLERS // 2}


@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_caller_left_is_undone_if_there_is_anything_to_undo(open_file, fails: bool):
    store = await open_file()
    undone: list[str] = []

    def work(_: Transaction) -> str:
        if fails:
            raise ValueError("nothing came of it")
        return "something"

    def undo(_: Transaction, result: str) -> None:
        undone.append(result)

    call = asyncio.ensure_future(store._writer.call(work, undo=undo))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    await store.probe()
    await store.probe()
    assert undone == ([] if fails else ["something"])
