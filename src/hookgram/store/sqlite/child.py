"""``python -m hookgram.store.sqlite.child FD``: an executor at the other end of a socket."""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, cast

from hookgram.errors import StoreError
from hookgram.store.sqlite.executor import Batch, Ended, Executor, Hello, Told
from hookgram.store.sqlite.frames import Frames, framed
from hookgram.store.sqlite.troubles import opening_trouble

CHUNK = 262_144
PR_SET_PDEATHSIG = 1


class SocketLine:
    """The executor's end of the line."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._coming = select.poll()
        self._coming.register(sock, select.POLLIN)
        self._frames = Frames()
        # Kept: to make and free as much for every batch costs more than to copy what came.
        self._buffer = memoryview(bytearray(CHUNK))
        self._parent = os.getppid()

    def hello(self) -> Hello | None:
        """Wait for the first message; None if those who started us are gone."""
        hello = self._next(None)
        if hello is not None:
            self._parent = hello.parent
        return cast("Hello | None", hello)

    def receive(self, timeout: float) -> Batch | None:
        """Wait for the next batch; None also when those who asked are gone."""
        batch = self._next(timeout)
        return cast("Batch | None", batch) if os.getppid() == self._parent else None

    def _next(self, timeout: float | None) -> Any:
        data: bytes | memoryview = b""
        while True:
            for value in self._frames.feed(data):
                return value
            data = self._receive(timeout)
            if not data:
                return None

    def _receive(self, timeout: float | None) -> memoryview:
        # Asked before, for to give a socket a deadline takes two calls of the system each time.
        if timeout is not None and not self._coming.poll(timeout * 1000):
            raise TimeoutError
        try:
            return self._buffer[: self._socket.recv_into(self._buffer)]
        except ConnectionError:
            return self._buffer[:0]

    def tell(self, told: Told | None) -> None:
        """Tell the callers, if they are still there."""
        with suppress(OSError):
            self._socket.sendall(framed(told))


def main(descriptor: int) -> None:
    """Open the file that the first message names and serve until the line ends."""
    _die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as sock:
        _serve(SocketLine(sock))


def _die_with_parent() -> None:
    """Have the system end this process at once when the thread that started it is gone.

    Elsewhere than on Linux, the end of the line tells it, after what is under way.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(line: SocketLine) -> None:
    hello = line.hello()
    if hello is None:
        return
    try:
        with opening_trouble(hello.opening.path):
            executor = Executor(hello.opening, hello.shard)
    except StoreError as error:
        line.tell(Ended(error))
        return
    gc.freeze()
    line.tell(None)
    executor.live(line)


if __name__ == "__main__":
    main(int(sys.argv[1]))
