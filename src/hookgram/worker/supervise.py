"""Starts a loop again when it falls over: every loop has someone who restarts it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from hookgram.core.facts import TaskFailed
from hookgram.errors import StoreBroken
from hookgram.ports import Notice

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


async def supervise(
    name: str,
    run: Callable[[asyncio.Event], Awaitable[None]],
    stop: asyncio.Event,
    notice: Notice,
) -> None:
    """Run *run* until it ends with *stop* set; if it raises or ends early, run it again.

    The pause before that doubles from half a second to half a minute. ``StoreBroken`` is not
    survived: it passes through, for the process to stop.
    """
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            await run(stop)
        except StoreBroken:
            raise
        except Exception:  # noqa: BLE001  (this loop's edge: the bug becomes a fact, the loop goes on)
            notice(TaskFailed(where=name, error=traceback.format_exc()))
        if not stop.is_set():
            await _rest(stop, pause)
            pause = min(pause * 2, LONGEST_PAUSE)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
