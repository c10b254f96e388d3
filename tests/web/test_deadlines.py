from __future__ import annotations

import asyncio

from hookgram.web.deadlines import Deadlines


async def test_a_wait_that_takes_too_long_is_told_once() -> None:
    late: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines(0.01)
    deadlines.begin(lambda: late.put_nowait("first"))
    deadlines.begin(lambda: late.put_nowait("second"))
    assert [await late.get(), await late.get()] == ["first", "second"]
    deadlines.begin(lambda: late.put_nowait("third"))
    assert await late.get() == "third"
    assert late.empty()


async def test_a_wait_that_ended_in_time_is_not_told() -> None:
    late: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines(0.01)
    wait = deadlines.begin(lambda: late.put_nowait("ended"))
    deadlines.begin(lambda: late.put_nowait("late"))
    deadlines.end(wait)
    deadlines.end(wait)
    assert await late.get() == "late"
    assert late.empty()


async def test_one_that_began_later_is_told_later() -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    done = asyncio.Event()
    deadlines = Deadlines(0.05)
    began = loop.time()
    deadlines.begin(lambda: told.append(loop.time()))
    second = asyncio.Event()
    loop.call_later(0.02, second.set)
    await second.wait()
    began_later = loop.time()
    deadlines.begin(lambda: (told.append(loop.time()), done.set()))  # type: ignore[func-returns-value]
    await done.wait()
    assert told[0] >= began + 0.05
    assert began < began_later
    assert told[1] >= began_later + 0.05


async def test_who_is_told_may_end_the_others_and_begin_anew() -> None:
    late: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines(0.01)

    def first() -> None:
        deadlines.begin(lambda: late.put_nowait("anew"))

    deadlines.begin(first)
    assert await late.get() == "anew"


async def test_one_that_fails_fails_alone() -> None:
    late: asyncio.Queue[str] = asyncio.Queue()
    failed = list[str]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failed.append(repr(context["exception"])))
    deadlines = Deadlines(0.01)

    def fail() -> None:
        raise ValueError

    deadlines.begin(fail)
    deadlines.begin(lambda: late.put_nowait("second"))
    assert await late.get() == "second"
    assert failed == ["ValueError()"]
