"""How what is done in steps is stopped: between two of them, by a signal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_by_signal() -> Iterator[asyncio.Event]:
    """Note the first signal, so that the step under way is finished; a second one interrupts."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def noted() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, noted)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
