"""Puts the real gateway on the demo's stage, shows what happens, and closes the books.

The gateway runs in this process, behind a socket of its own: whatever ends the demo ends the
gateway with it. Telegram and the targets reach it over HTTP only.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from pathlib import Path

import uvloop
from msgspec import Struct
from rich.console import Console

from hookgram.app import EXIT_IO, Gateway
from hookgram.cli.demo.board import Board, Row
from hookgram.cli.demo.gateway import SLOTS, running, settings
from hookgram.cli.demo.screen import Screen, View, say, screen
from hookgram.cli.demo.words import Place, advice, afterwards, meant, narration
from hookgram.core.model import State
from hookgram.demo.cast import CAST
from hookgram.demo.ledger import Verdict
from hookgram.demo.plot import Plot
from hookgram.demo.stage import Stage, pause
from hookgram.errors import SettingsError, StoreInUse

WEBHOOK = "/telegram/webhook"
REFRESH = 0.25
STUCK = 15.0
"""Seconds in which nothing was settled, after which what is owed is not waited for any longer."""

TITLE = "real gateway, simulated Telegram, 3 sample targets"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Options(Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    seconds: int
    rate: int
    keep: bool
    data: Path | None


def run(options: Options) -> int:
    """Run the demo; return 0 only if the ledger closes.

    Raises SettingsError for a folder that cannot be used, StoreError and OSError when the gateway
    cannot run.
    """
    folder = prepared(options.data)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(Show(options, folder).run())
    except SystemExit:  # nobody reads what we print any more
        if options.data is None:
            shutil.rmtree(folder)
        raise


def prepared(data: Path | None) -> Path:
    """Return the folder of the demo; raises SettingsError if it is not one, or cannot be."""
    if data is None:
        return Path(tempfile.mkdtemp(prefix="hookgram-demo-"))
    folder = data.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = Place(folder, "").database.exists() and not (folder / "demo.jsonl").exists()
    except OSError as error:
        why = f"--data: {folder} cannot be used as a folder: {error.strerror}"
        raise SettingsError([why]) from error
    if foreign:
        why = f"--data: {folder} holds a queue that is not a demo's; name a folder of its own"
        raise SettingsError([why])
    return folder


class Show:
    """One run of the demo in a folder."""

    def __init__(self, options: Options, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._plot = Plot(seconds=options.seconds, rate=options.rate, endless=options.keep)
        self._stage = Stage(folder, self._plot, stop=self._stop, hurry=self._hurry)
        self._board = Board([part.name for part in CAST])
        self._rows: list[Row] = []

    async def run(self) -> int:
        """Play, and tell the verdict; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in ENDS:
            loop.add_signal_handler(number, self._end)
        display, console = screen()
        async with self._stage:
            if not await self._play(display):
                log_file = Place(self._folder, "").log
                say(console, f"The store can no longer be trusted; {log_file} tells why.")
                return EXIT_IO
        verdict = self._stage.audit(Place(self._folder, "").database, slots=SLOTS)
        self._close(console, verdict)
        return 0 if verdict.ok else 1

    def _end(self) -> None:
        """End the play by the first signal, and the wait for what is owed by the second."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _play(self, display: Screen) -> bool:
        """Play to the end; False if the gateway broke."""
        chosen = settings(Place(self._folder, "").database, self._stage.urls)
        log_file = Place(self._folder, "").log
        try:
            async with running(chosen, log_file, self._board) as (gateway, url):
                self._place = Place(self._folder, url)
                await self._find_dead_letter(gateway)
                playing = asyncio.create_task(self._stage.play(url + WEBHOOK))
                try:
                    with display:
                        return await self._watch(gateway, playing, display)
                finally:
                    playing.cancel()
                    await asyncio.wait([playing])
        except StoreInUse as error:
            raise StoreInUse(
                f"another demo works in {self._folder}: stop it first, or name another --data"
            ) from error

    async def _find_dead_letter(self, gateway: Gateway) -> None:
        """Know one of an earlier run."""
        for row in await gateway.journal.deliveries(state=State.DEAD, limit=1):
            self._board.dead_letter = row.delivery_id

    async def _watch(self, gateway: Gateway, playing: asyncio.Task[None], display: Screen) -> bool:
        """Show what happens until nothing is owed any more, or nothing moves."""
        owed, moved = -1, time.monotonic()
        while not gateway.broken.is_set():
            over = playing.done()
            if over:
                playing.result()  # raises what went wrong in it
            counts = await gateway.journal.counts()
            self._rows = self._board.rows(counts)
            display.show(self._view(counts.get(("", "accepted"), 0)))
            before, owed = owed, sum(row.unsettled for row in self._rows)
            if owed != before:
                moved = time.monotonic()
            stuck = time.monotonic() - moved > STUCK
            if over and (not owed or stuck or self._hurry.is_set()):
                return True
            await pause(REFRESH, self._hurry)
        return False

    def _view(self, accepted: int) -> View:
        at, plot = self._stage.elapsed, self._plot
        playing = not (self._stop.is_set() or plot.over(at))
        clock = (
            f"{at:.0f} s"
            if plot.endless
            else f"{min(at, plot.seconds):.0f} of {plot.seconds:.0f} s"
        )
        return View(
            at=at,
            title=f"hookgram demo, {clock}: {TITLE}",
            where=f"gateway {self._place.url}, data {self._folder}",
            accepted=accepted,
            accepting=self._board.accepting(),
            first_delivery=self._board.first_delivery,
            rows=self._rows,
            narration=narration(plot, at, self._rows, playing=playing),
            dead_letter=self._board.dead_letter,
            advice=advice(self._place, self._board.dead_letter, endless=plot.endless),
        )

    def _close(self, console: Console, verdict: Verdict) -> None:
        """Say the last words, the verdict last; remove the folder if nobody wants it."""
        chosen = self._options.keep or self._options.data is not None
        kept = chosen or not verdict.ok or verdict.unsettled > 0
        say(console, "", *verdict.findings, *meant(self._rows))
        say(console, *afterwards(self._place, kept=kept), verdict.summary)
        if not kept:
            shutil.rmtree(self._folder)
