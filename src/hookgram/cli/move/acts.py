"""What ``hookgram move`` does, and how it tells it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import typer

from hookgram.cli import document, place, screen
from hookgram.cli.move.progress import progress
from hookgram.cli.screen import Column
from hookgram.cli.stopping import stop_by_signal
from hookgram.core.move import WORDS, Inventory, Line, Mark, compared
from hookgram.errors import SettingsError, StoreError
from hookgram.ports import MoveDestination, MoveSource
from hookgram.store.opening import filling, leaving
from hookgram.usecases import move as usecase

EMPTY = Inventory(rows={}, body_bytes=0, targets={}, deliveries={}, counters={})
FOUND = (Column("what"), Column("target"), Column("rows", fixed=True))
COUNTED = (
    Column("what"),
    Column("target"),
    Column("source", fixed=True),
    Column("destination", fixed=True),
    Column("counts", fixed=True),
)
GOES_ON = "Give the same command again, and it goes on. No gateway starts on either until then."


@asynccontextmanager
async def _filling(url: str) -> AsyncIterator[MoveDestination]:
    """Open the destination; what is wrong with it is wrong with ``--to``."""
    try:
        async with filling(url) as destination:
            yield destination
    except SettingsError as error:
        wrong = [problem.replace("DATABASE_URL:", "--to:") for problem in error.problems]
        raise SettingsError(wrong) from error


async def look(path: Path, url: str, *, as_json: bool) -> None:
    """Count what would be moved, and whether the destination would take it."""
    async with leaving(path, place.now, looking=True) as source, _filling(url) as destination:
        mark = await usecase.check(source, destination)
        found = await source.count()
        there = await destination.count() if mark else EMPTY
        if as_json:
            _document(compared(found, there), dry_run=True, ended=bool(mark and mark.ended_at))
            return
        lines = [line for line in compared(found, EMPTY) if line.source and not line.counter]
        screen.table(FOUND, [(line.what, line.target, f"{line.source:,}") for line in lines])
        screen.say(_would(mark, found, there, destination.name))


def _would(mark: Mark | None, found: Inventory, there: Inventory, name: str) -> str:
    if mark is None:
        return f"Would move {found.total:,} rows to {name}; nothing was changed."
    if mark.ended_at is not None:
        return f"All this was moved to {name} already; nothing was changed."
    left = found.total - there.total
    return f"Would go on: {left:,} of {found.total:,} rows are to be moved; nothing was changed."


async def move(path: Path, url: str, *, as_json: bool) -> None:
    """Move, or go on with it; count at both ends."""
    async with leaving(path, place.now, looking=False) as source, _filling(url) as destination:
        mark = await usecase.begin(source, destination, secrets.token_hex(16))
        if mark.ended_at is not None:
            _tell_done(path, destination.name, as_json=as_json)
            return
        await _carry(source, destination, mark)
        with screen.bar("counting at both ends", 0):
            outcome = await usecase.end(source, destination, mark)
        if as_json:
            _document(outcome.lines, dry_run=False, ended=outcome.equal)
        else:
            _tell(outcome, path, destination.name)
        if not outcome.equal:
            _hint_differing(path)
            raise typer.Exit(1)


async def _carry(source: MoveSource, destination: MoveDestination, mark: Mark) -> None:
    with screen.bar("counting", 0):
        total = (await source.count()).total
        done = (await destination.count()).total if mark.place is not None else 0
    if done:
        screen.hint(f"Going on: {done:,} of {total:,} rows are there already.")
    try:
        with stop_by_signal() as stop, progress(total, done) as tell:
            async for parcel in usecase.carry(source, destination, mark):
                done += len(parcel.rows)
                tell(WORDS[parcel.table], done)
                if stop.is_set():
                    break
    except StoreError:
        screen.hint(f"Cut at {done:,} of {total:,} rows. {GOES_ON}")
        raise
    if stop.is_set() and done < total:
        screen.hint(f"Stopped: {done:,} of {total:,} rows are there. {GOES_ON}")
        raise typer.Exit(1)


async def give_up(path: Path, *, yes: bool) -> None:
    """Let gateways work on the source again."""
    async with leaving(path, place.now, looking=False) as source:
        mark = await source.mark()
        if mark is not None and mark.ended_at is not None:
            question = (
                f"{path} was moved to {mark.destination}: what was delivered from there since goes "
                "out once more from here, and what came there stays there. Work here again?"
            )
            if not screen.agreed(question, yes=yes):
                screen.hint("Nothing was changed.")
                raise typer.Exit(1)
        gone = await usecase.give_up(source)
        screen.say(f"The move to {gone.destination} is given up; gateways may work on {path}.")
        if gone.ended_at is None:
            screen.hint("What was carried there is of no use: make that database anew.")


def _tell(outcome: usecase.Outcome, path: Path, name: str) -> None:
    """Print what was counted; kept counters only where they differ."""
    lines = [line for line in outcome.lines if not line.equal or (line.source and not line.counter)]
    cells = [
        (
            line.what,
            line.target,
            f"{line.source:,}",
            f"{line.destination:,}",
            "ok" if line.equal else "differ",
        )
        for line in lines
    ]
    screen.table(COUNTED, cells)
    if outcome.equal:
        _tell_done(path, name, as_json=False)


def _tell_done(path: Path, name: str, *, as_json: bool) -> None:
    if as_json:
        _document((), dry_run=False, ended=True)
        return
    screen.say(
        f"All is in {name}, counted at both ends.",
        "Start gateways there: QUEUE_BACKEND=postgres and DATABASE_URL.",
        f"{path} stays, to look at what was delivered; no gateway starts on it any more.",
    )


def _hint_differing(path: Path) -> None:
    screen.hint(
        "The two ends differ, so the move is not done, and no gateway starts on either: somebody "
        "wrote to one of them meanwhile. Make the database anew and give the same command again, "
        f"or go back: hookgram move --from sqlite:{path} --give-up"
    )


def _document(lines: Sequence[Line], *, dry_run: bool, ended: bool) -> None:
    counted: list[dict[str, Any]] = [
        msgspec.to_builtins(line) | {"equal": line.equal} for line in lines
    ]
    told = {"dry_run": dry_run, "ended": ended, "counted": counted}
    screen.say(document.text(told))
