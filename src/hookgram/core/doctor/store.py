"""What there is to say of the store, from what was seen of its file, its disk and its counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from hookgram.core.doctor.finding import Finding, found
from hookgram.core.doctor.platform import Platform
from hookgram.core.doctor.words import MIB, MILLISECOND, size, some
from hookgram.core.model import Micros

SPACE_LOW = 256 * MIB
SPACE_OUT = 32 * MIB
SLOW = 100 * MILLISECOND
MANY = 1000
KEPT = frozenset({Platform.MACHINE, Platform.SYSTEMD})
"""Where "/" stays as it is."""
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


class Disk(Struct, frozen=True, kw_only=True):
    """Where the store lies. ``networked``: the kind, if it is a network file system."""

    free: int
    kind: str = ""
    mount: str = "/"
    networked: str | None = None
    platform: Platform = Platform.MACHINE
    """Most throw away what is mounted at "/"."""
    unwritable: str | None = None
    """Why nothing can be written, in the system's words."""
    sync: Micros | None = None
    """How long it took to make one small write safe; None if none was tried."""


class StoreFacts(Struct, frozen=True, kw_only=True):
    """What was seen of the store's file.

    ``holder``: the process that delivers from it, ``taker``: the one that takes updates into it, if
    there is one; the same, most often.
    """

    exists: bool
    sqlite: str
    sqlite_old: bool = False
    ours: bool = True
    schema: int = 0
    known_schema: int = 0
    size: int = 0
    holder: str | None = None
    taker: str | None = None
    left_for: str | None = None
    """Where a move from here went or goes."""
    trouble: str | None = None
    """Why it could not be read."""
    targets: tuple[str, ...] = ()
    """The targets it knows that are not removed."""
    counts: dict[tuple[str, str], int] = {}


def of_disk(disk: Disk) -> list[Finding]:
    """Judge where the store lies."""
    findings = []
    if disk.networked:
        findings.append(found("store_networked", f"SQLITE_PATH lies on {disk.networked}"))
    elif disk.kind in IN_MEMORY:
        findings.append(found("store_in_memory", f"SQLITE_PATH lies in memory ({disk.kind})"))
    elif disk.mount == "/" and disk.platform not in KEPT:
        code = "store_in_container" if disk.platform is Platform.CONTAINER else "store_ephemeral"
        findings.append(found(code, f"SQLITE_PATH lies on no volume ({disk.platform})"))
    if disk.unwritable:
        findings.append(found("store_readonly", f"SQLITE_PATH: {disk.unwritable}"))
    if disk.free < SPACE_LOW:
        code = "space_out" if disk.free < SPACE_OUT else "space_low"
        findings.append(found(code, f"{size(disk.free)} are left for the store"))
    if disk.sync is not None and disk.sync > SLOW:
        took = disk.sync // MILLISECOND
        findings.append(found("disk_slow", f"making one small write safe took {took} ms"))
    return findings


def of_store(facts: StoreFacts, free: int) -> list[Finding]:
    """Judge the store's file; what waits in it is judged by ``of_work``."""
    findings = []
    if facts.sqlite_old:
        findings.append(found("sqlite_old", f"SQLite is {facts.sqlite}"))
    if not facts.exists:
        return [*findings, found("store_new", f"there is no store yet; {size(free)} are free")]
    if facts.trouble:
        return [*findings, found("store_broken", f"the store cannot be read: {facts.trouble}")]
    if not facts.ours:
        return [*findings, found("store_foreign", "the file is no store of hookgram's")]
    if facts.schema > facts.known_schema:
        sentence = f"its schema is {facts.schema}, this version knows {facts.known_schema}"
        return [*findings, found("schema_newer", sentence)]
    if facts.schema < facts.known_schema:
        sentence = f"its schema is {facts.schema}; the next start makes it {facts.known_schema}"
        findings.append(found("schema_older", sentence))
    sentence = (
        f"SQLite {facts.sqlite}, schema {facts.schema}, {size(facts.size)}, {size(free)} free"
    )
    findings.append(found("store_sound", sentence))
    if facts.left_for is not None:
        return [*findings, found("store_left", f"its content moves to {facts.left_for}")]
    return [*findings, _life(facts)]


def _life(facts: StoreFacts) -> Finding:
    holder, taker = facts.holder, facts.taker
    if holder == taker:
        if holder is None:
            return found("store_idle", "no gateway works on the store now")
        return found("store_running", f"a gateway works on it (process {holder})")
    if holder is None:
        sentence = f"process {taker} takes updates and no process delivers them"
        return found("nobody_delivers", sentence)
    if taker is None:
        sentence = f"process {holder} delivers and no process takes updates"
        return found("nobody_takes", sentence)
    sentence = f"process {taker} takes updates, process {holder} delivers them"
    return found("store_running", sentence)


def of_work(facts: StoreFacts, configured: Sequence[str]) -> list[Finding]:
    """Judge what waits, what died and what was refused. *configured*: the targets of settings."""
    return [
        *(finding for name in facts.targets for finding in _of_target(facts, name, configured)),
        *_refused(facts.counts),
    ]


def _of_target(facts: StoreFacts, name: str, configured: Sequence[str]) -> list[Finding]:
    def count(what: str) -> int:
        return facts.counts.get((name, what), 0)

    findings = []
    dead = count("dead") - count("purged")
    waiting = count("created") - count("delivered") - count("dead") - count("cancelled")
    if name not in configured and (waiting or dead):
        sentence = f"no setting names {name} any more; waiting there: {waiting}"
        findings.append(found("orphan", sentence, subject=name))
    elif waiting > MANY:
        findings.append(found("backlog", f"{waiting} deliveries wait for {name}", subject=name))
    if dead > 0:
        findings.append(found("dead_letters", f"{dead} dead letters of {name}", subject=name))
    return findings


def _refused(counts: Mapping[tuple[str, str], int]) -> list[Finding]:
    refused = {
        name.partition(".")[2]: number
        for (target, name), number in counts.items()
        if not target and name.startswith("refused.") and number
    }
    if not refused:
        return []
    reasons = some([f"{reason}: {number}" for reason, number in sorted(refused.items())])
    return [found("refused_updates", f"{sum(refused.values())} updates were refused ({reasons})")]
