"""A channel that answers as the test says, and lets the test hold an attempt in the air."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hookgram.core.outcome import Answer, Outbound, Response, TransportFailure

Script = Callable[[Outbound], Answer | BaseException]


def status(code: int, **headers: str) -> Response:
    """Answer with a status; underscores in header names stand for dashes."""
    return Response(
        status=code, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


class ScriptedChannel:
    """Answers by *script*; while ``gate`` is not set, attempts hang (see ``ports.Channel``)."""

    def __init__(self, script: Script = lambda _: status(200), *, sent: bool = True) -> None:
        self.script = script
        self.sent = sent
        self.gate = asyncio.Event()
        self.gate.set()
        self.seen: list[Outbound] = []
        self.in_flight = 0
        self.most = 0
        self._cut = asyncio.Event()
        self._began = asyncio.Event()

    async def send(self, outbound: Outbound) -> Answer:
        """Try once."""
        self.seen.append(outbound)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        self._began.set()
        try:
            if not self.gate.is_set() and not await self._let_through():
                return TransportFailure(kind="interrupted", detail="cut", sent=self.sent)
            answer = self.script(outbound)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        finally:
            self.in_flight -= 1

    async def until_in_flight(self, count: int = 1, *, deadline: float = 5.0) -> None:
        """Wait until so many attempts are in the air."""
        async with asyncio.timeout(deadline):
            while self.in_flight < count:
                self._began.clear()
                await self._began.wait()

    async def _let_through(self) -> bool:
        waits = [asyncio.ensure_future(event.wait()) for event in (self.gate, self._cut)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self.gate.is_set()

    def interrupt(self) -> None:
        """Cut what is in the air."""
        self._cut.set()

    async def close(self) -> None:
        """Nothing to close."""


class Turnstile(ScriptedChannel):
    """Lets attempts through one by one, once its gate was shut."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = asyncio.Semaphore(0)

    async def _let_through(self) -> bool:
        await self.turns.acquire()
        return True
