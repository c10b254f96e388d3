"""How a gateway is served: on a socket of our own, or under somebody else's ASGI server."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import NoReturn

import uvloop

from hookgram.app.gateway import Gateway
from hookgram.core.redact import mask
from hookgram.observe.log import Log
from hookgram.settings import Settings
from hookgram.web.exchange import Asgi
from hookgram.web.lifespan import with_lifespan
from hookgram.web.listener import Listener, bind

EXIT_IO = 74
YOUNG = 50_000
"""New containers after which Python looks for cycles: we make many things and hardly a cycle."""
LAST_MOMENT = 10.0
"""Seconds after a second signal until the process ends whatever hangs."""


def serve(settings: Settings) -> int:
    """Run the gateway on a socket of our own until a signal; return the exit code.

    Raises OSError when the address cannot be bound, and what ``Gateway.open`` raises.
    """
    _allow_many_files()
    with _log(settings) as log, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_serve(settings, log))
    if log.stuck:  # the interpreter would wait for its output for ever
        _exit(code)
    return code


def _log(settings: Settings) -> Log:
    # There is none when it was closed before we began.
    stream = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  (the log's, to the end)
    return Log(stream, settings.log_format, settings.log_level, settings.secrets())


def _allow_many_files() -> None:
    """Raise the limit of open files to what we may have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(settings: Settings, log: Log) -> int:
    gateway = Gateway(settings, log, log.close)
    signals = _Signals()
    with _bound(settings.host, settings.port) as bound:
        listener = Listener(await gateway.open())
        _collect_seldom()
        signals.end(gateway, listener)
        watch = asyncio.create_task(_stop_when_broken(gateway, listener))
        gateway.tell_start(settings.host, bound.getsockname()[1])
        try:
            await listener.serve(sockets=[bound])
        finally:
            watch.cancel()
            await gateway.close()
    return EXIT_IO if gateway.broken.is_set() else 0


def _collect_seldom() -> None:
    """Leave what was made until now out of the search for cycles, and search seldom.

    What one update makes is gone when it is settled, by reference counts alone; searching as often
    as Python does by default took a noticeable part of our time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)


def _bound(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        place = f"{host}:{port}"
        raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error


class _Signals:
    """SIGTERM and SIGINT: the first stops, the second hurries; what hangs then is ended.

    Caught before anything is opened, so that nothing is cut while it opens: a first signal then
    waits for that, a second does not.
    """

    def __init__(self) -> None:
        self._told = 0
        self._ended: tuple[Gateway, Listener] | None = None
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._come)

    def end(self, gateway: Gateway, listener: Listener) -> None:
        """End these by signals, also by one that came already."""
        self._ended = (gateway, listener)
        if self._told:
            self._stop(gateway, listener)

    def _come(self) -> None:
        self._told += 1
        if self._ended is None:
            if self._told > 1:
                _exit(1)
        elif self._told == 1:
            self._stop(*self._ended)
        else:
            self._hurry(*self._ended)

    def _stop(self, gateway: Gateway, listener: Listener) -> None:
        listener.should_exit = True
        gateway.stop()

    def _hurry(self, gateway: Gateway, listener: Listener) -> None:
        listener.force_exit = True
        gateway.hurry()
        self._loop.call_later(LAST_MOMENT, _exit, 1)


def _exit(code: int) -> NoReturn:
    os._exit(code)


async def _stop_when_broken(gateway: Gateway, listener: Listener) -> None:
    await gateway.broken.wait()
    gateway.stop()
    listener.should_exit = True


def application(settings: Settings) -> Asgi:
    """Return an ASGI application that runs a gateway for as long as its server does."""

    async def run(stack: AsyncExitStack) -> Asgi:
        log = stack.enter_context(_log(settings))
        gateway = Gateway(settings, log, log.close)
        inner = await gateway.open()
        stack.push_async_callback(gateway.close)
        watch = asyncio.create_task(_end_when_broken(gateway))
        stack.callback(watch.cancel)
        gateway.tell_start()
        return inner

    return with_lifespan(run, shown=lambda text: mask(text, settings.secrets()))


async def _end_when_broken(gateway: Gateway) -> None:
    """Have the server stop, as it would be by a platform."""
    await gateway.broken.wait()
    os.kill(os.getpid(), signal.SIGTERM)
