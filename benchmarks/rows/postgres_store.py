"""The PostgreSQL store by itself: taking, claiming, settling, by one replica and by several."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from benchmarks.bench import Bench
from benchmarks.database import Server
from benchmarks.finding import Bound, Finding, at_least, found
from benchmarks.processes.orders import Order
from benchmarks.replicas import Replica, claimed, rate, settled, together

ROW = "postgres-store"
UPDATES = 20_000
"""No more than there are chats: each delivery leads its lane and can be claimed."""
REPLICAS = 4
SQLITE = "SQLite's store"
ONE = "one replica"
BARE = "the same rows by one bare statement for 64"
SINGLY = "the same rows, a commit for each, 8 connections"


class Rates(Struct):
    """How many a second: taken, claimed, settled; and claimed and settled in turn."""

    taken: float
    claimed: float
    settled: float
    worked: float


class Round(Struct):
    """What a round measured."""

    sqlite: Rates
    one: Rates
    several: Rates
    bare: float
    singly: float


def measure(bench: Bench) -> list[Finding]:
    """Measure ours and every limit in turn."""
    with Server(bench.fresh(ROW)) as server:
        rounds = [_round(bench, server) for _ in range(bench.rounds)]
    one = [each.one for each in rounds]
    several = [each.several for each in rounds]
    sqlite = [each.sqlite for each in rounds]
    taken = [each.taken for each in one]
    worked = [each.worked for each in one]
    return [
        _found("taken", at_least(0.4), taken, [each.bare for each in rounds], BARE),
        _found("taken", at_least(3), taken, [each.singly for each in rounds], SINGLY),
        _found("taken", at_least(0.4), taken, [each.taken for each in sqlite], SQLITE),
        _found(
            "claimed, 40 at most at a time",
            at_least(0.4),
            [each.claimed for each in one],
            [each.claimed for each in sqlite],
            SQLITE,
        ),
        _found(
            "settled, 40 at most at a time",
            at_least(0.4),
            [each.settled for each in one],
            [each.settled for each in sqlite],
            SQLITE,
        ),
        _found("taken, 4 replicas", at_least(0.75), [each.taken for each in several], taken, ONE),
        _found(
            "claimed and settled, 4 replicas",
            at_least(0.75),
            [each.worked for each in several],
            worked,
            ONE,
        ),
    ]


def _found(
    what: str, asked: Bound, ours: Sequence[float], limits: Sequence[float], limit_is: str
) -> Finding:
    return found(ROW, what, "events/s", asked, ours, limits, measure="ratio", limit_is=limit_is)


def _round(bench: Bench, server: Server) -> Round:
    count = bench.much(UPDATES)
    measured = Round(
        sqlite=_rates([str(bench.fresh(ROW) / "events.db")], count),
        one=_rates([server.database()], count),
        several=_rates([server.database()] * REPLICAS, count),
        bare=_inserted(server.database(), count, at_once=64, connections=1),
        singly=_inserted(server.database(), count // 4, at_once=1, connections=8),
    )
    server.drop_all()
    return measured


def _rates(places: Sequence[str], count: int) -> Rates:
    """Have so many replicas work at the same time, each on its store."""
    replicas = [Replica("replica", place, f"replica-{n}") for n, place in enumerate(places)]
    try:
        taken = together(replicas, Order("enqueue", count))
        worked = together(replicas, Order("work", count))
    finally:
        for replica in replicas:
            replica.close()
    return Rates(
        taken=rate(taken),
        claimed=claimed(worked),
        settled=settled(worked),
        worked=rate(worked),
    )


def _inserted(url: str, count: int, *, at_once: int, connections: int) -> float:
    with Replica("bare_insert", url, str(at_once), str(connections)) as bare:
        return rate(together([bare], Order("enqueue", count)))
