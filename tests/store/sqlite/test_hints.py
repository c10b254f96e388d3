"""Hints between two processes on one file: quick when they arrive, missed by nobody when not."""

from __future__ import annotations

import asyncio
import os
from array import array
from pathlib import Path

import pytest

from hookgram.store.sqlite import Hearer, Hinter
from hookgram.store.sqlite.hints import RECORD


class Heard:
    """What was heard, and a way to wait for it."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self._come = asyncio.Event()

    def __call__(self, target_ids) -> None:
        self.ids.update(target_ids)
        self._come.set()

    async def until(self, ids: set[int]) -> None:
        async with asyncio.timeout(5):
            while not ids <= self.ids:
                self._come.clear()
                await self._come.wait()


async def test_what_is_told_is_heard_however_much_it_is(path: Path):
    heard = Heard()
    hearer, hinter = Hearer(path, heard), Hinter(path)
    hinter.tell([1, 2])
    hinter.tell([2, 3])
    await heard.until({1, 2, 3})
    hinter.tell(range(1000, 2000))
    await heard.until({*range(1000, 2000)})
    assert heard.ids == {1, 2, 3, *range(1000, 2000)}
    hinter.close()
    hearer.close()


async def test_who_hears_may_come_late_and_go_and_come_again(path: Path):
    hinter = Hinter(path)
    hinter.tell([1])
    await asyncio.sleep(0)
    first = Heard()
    hearer = Hearer(path, first)
    hinter.tell([2])
    await first.until({2})
    hearer.close()
    hinter.tell([3])
    await asyncio.sleep(0)
    second = Heard()
    hearer = Hearer(path, second)
    hinter.tell([4])
    await second.until({4})
    assert 1 not in first.ids
    hinter.close()
    hearer.close()


async def test_a_pipe_that_nobody_reads_holds_nobody_up(path: Path):
    place = Path(f"{path}.hints")
    os.mkfifo(place)
    silent = os.open(place, os.O_RDWR | os.O_NONBLOCK)
    hinter = Hinter(path)
    for number in range(200):
        hinter.tell(range(number * 64, number * 64 + 64))
        await asyncio.sleep(0)
    with pytest.raises(BlockingIOError):  # it is full
        os.write(silent, bytes(1 << 12))
    os.read(silent, 1 << 20)
    hinter.tell([7])
    await asyncio.sleep(0)
    assert array(RECORD, os.read(silent, 1 << 20)).tolist() == [7]
    hinter.close()
    os.close(silent)


async def test_what_is_no_pipe_is_left_alone(path: Path):
    place = Path(f"{path}.hints")
    place.write_bytes(b"somebody's")
    hearer, hinter = Hearer(path, Heard()), Hinter(path)
    hinter.tell([1])
    await asyncio.sleep(0)
    assert place.read_bytes() == b"somebody's"
    hinter.close()
    hearer.close()
