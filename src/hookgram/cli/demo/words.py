"""What the demo says: what is happening, and what to try next. Plain ASCII for any terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from hookgram.cli.demo.board import Row
from hookgram.demo.cast import BILLING, SHOP
from hookgram.demo.plot import Plot

OPENING = 0.1
"""The share of the play in which it is told what happens at all."""

BACKLOG = 5
"""So many unsettled ones are no news."""


def narration(plot: Plot, at: float, rows: Sequence[Row], *, playing: bool) -> str:
    """Tell in a line what is happening at this moment."""
    by_name = {row.target: row for row in rows}
    waiting, dead = by_name[BILLING.name].unsettled, by_name[SHOP.name].dead
    down = plot.down_for(at)
    if not playing:
        return "Telegram is quiet now: what is still owed is delivered, then the books close."
    if down:
        return (
            f"billing is down for {down:.0f} s: its updates wait in order, others are not touched."
        )
    if plot.recovering(at) and waiting > BACKLOG:
        return f"billing is back: its {waiting} updates are delivered now, in order for each chat."
    if plot.recovering(at) and dead:
        return (
            f"shop refused {dead} for good (410): kept as dead letters, to be replayed. See below."
        )
    if at < OPENING * plot.seconds:
        return "Telegram posts. Each update is stored, answered 200, and sent to three targets."
    return "shop fails now and then: it is asked again, in order; nobody else waits for it."


class Place(Struct, frozen=True):
    """Where this demo is: its folder and the gateway's address."""

    folder: Path
    url: str

    @property
    def database(self) -> Path:
        """The queue's file."""
        return self.folder / "events.db"

    @property
    def log(self) -> Path:
        """What the gateway says."""
        return self.folder / "gateway.log"


def advice(place: Place, dead_letter: int | None, *, endless: bool) -> list[str]:
    """List what to try while it runs; commands start with two spaces and work as they stand."""
    command, number = invocation(), dead_letter or "ID"
    hint = "Ctrl-C here ends the demo" if endless else "--keep gives you time"
    return [
        f"Try next, in another terminal ({hint}):",
        f"  export SQLITE_PATH={shlex.quote(str(place.database))}",
        f"  {command} dead list",
        f"  {command} dead show {number}",
        f"  {command} dead replay {number}",
        f"  curl {place.url}/stats",
        f"  tail -f {shlex.quote(str(place.log))}",
    ]


def afterwards(place: Place, *, kept: bool) -> list[str]:
    """List what to try when it is over; *kept*: its folder is still there."""
    command = invocation()
    if not kept:
        return [
            "Next: find, show and replay these dead letters yourself while it runs on:",
            f"  {command} demo --keep",
        ]
    again = f"{command} demo --data {shlex.quote(str(place.folder))}"
    return [
        f"Everything is in {place.folder}. Dead letters, and how to replay them:",
        f"  export SQLITE_PATH={shlex.quote(str(place.database))}",
        f"  {command} dead list",
        "Go on from there (what you replayed is delivered then):",
        f"  {again}",
    ]


def meant(rows: Sequence[Row]) -> list[str]:
    """Explain the dead letters that belong to the play, if there are any."""
    return [
        f"{row.dead} dead letters: shop refused them for good (410). They are kept with their "
        "reason, not lost."
        for row in rows
        if row.target == SHOP.name and row.dead
    ]


def invocation() -> str:
    """Return how this very program is called from a shell that stands where we stand."""
    called = Path(sys.argv[0])
    if called.stem != "hookgram":
        return f"{shlex.quote(_near(Path(sys.executable)))} -m hookgram"
    found = shutil.which("hookgram")
    if found is not None and called.exists() and called.samefile(found):
        return "hookgram"
    return shlex.quote(_near(called))


def _near(path: Path) -> str:
    """Name a file from here where that is shorter; links are not followed."""
    near = os.path.relpath(path)
    return str(path.absolute()) if near.startswith("..") else near
