"""The whole way through PostgreSQL, beside the whole way through SQLite on the same cores.

And what an event costs there: processor time, room, write-ahead log; for the page on capacity.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from msgspec import Struct

from benchmarks.bench import Bench
from benchmarks.bodies import FIRST
from benchmarks.children import Gateway, Sink, post
from benchmarks.database import Server
from benchmarks.finding import Bound, Finding, at_least, at_most, found
from benchmarks.processes.load import Plan
from benchmarks.rows.end_to_end import UPDATES

ROW = "postgres-end-to-end"
REPLICAS = 2
CONNECTIONS = 64
SQLITE = "through SQLite"
ONE = "one replica"
MICROS = 1_000_000


class Cost(Struct, kw_only=True):
    """What a run reached, and what an event cost in it: microseconds of a core, bytes."""

    rate: float
    gateway: float
    server: float = 0
    room: float
    owed: float = 0
    """What of the room is its delivery's."""
    log: float = 0
    memory: float
    shared: float = 0
    """Memory of the server."""


class Round(Struct):
    """What a round measured."""

    sqlite: Cost
    one: Cost
    several: Cost


def measure(bench: Bench) -> list[Finding]:
    """Measure ours and the limits in turn."""
    with Server(bench.fresh(ROW)) as server:
        rounds = [_round(bench, server) for _ in range(bench.rounds)]
    ours, its, several = Side(rounds, "one"), Side(rounds, "sqlite"), Side(rounds, "several")
    rate, us = "events/s", "µs"
    gateways, servers = (f"processor time of the {who}, an event" for who in ("gateway", "server"))
    return [
        _ratio("taken and delivered", rate, at_least(0.6), ours("rate"), its("rate"), SQLITE),
        _ratio("the same, 2 replicas", rate, at_least(0.9), several("rate"), ours("rate"), ONE),
        _ratio(gateways, us, at_most(1.5), ours("gateway"), its("gateway"), SQLITE),
        _ratio(servers, us, at_most(1), ours("server"), ours("gateway"), "the gateway's"),
        _ratio("room of a kept event", "bytes", at_most(2), ours("room"), its("room"), SQLITE),
        found(ROW, "of it, its delivery's", "bytes", at_most(1_000), ours("owed")),
        found(ROW, "write-ahead log, an event", "bytes", at_most(5_000), ours("log")),
        found(ROW, "memory of a gateway", "MiB", at_most(150), ours("memory")),
        found(ROW, "memory of the server", "MiB", at_most(500), ours("shared")),
    ]


class Side(Struct):
    """One of the runs of every round."""

    rounds: list[Round]
    name: str

    def __call__(self, number: str) -> list[float]:
        """Return a number of it, of every round."""
        return [getattr(getattr(each, self.name), number) for each in self.rounds]


def _ratio(  # noqa: PLR0917  (a line of the table)
    what: str, unit: str, asked: Bound, ours: list[float], limits: list[float], limit_is: str
) -> Finding:
    return found(ROW, what, unit, asked, ours, limits, measure="ratio", limit_is=limit_is)


def _round(bench: Bench, server: Server) -> Round:
    measured = Round(
        sqlite=_sqlite(bench),
        one=_postgres(bench, server, 1),
        several=_postgres(bench, server, REPLICAS),
    )
    server.drop_all()
    return measured


def _sqlite(bench: Bench) -> Cost:
    count, folder = bench.much(UPDATES), bench.fresh(ROW)
    with Sink() as sink, Gateway(folder, [sink.url]) as gateway:
        before = gateway.cpu_seconds()
        rate = _rate([gateway], sink, count)
        cpu, memory = gateway.cpu_seconds() - before, gateway.peak_memory()
    room = (folder / "events.db").stat().st_size
    return Cost(rate=rate, gateway=cpu * MICROS / count, room=room / count, memory=memory)


def _postgres(bench: Bench, server: Server, replicas: int) -> Cost:
    count, url = bench.much(UPDATES), server.database()
    settings = {"QUEUE_BACKEND": "postgres", "DATABASE_URL": url}
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        gateways = [
            stack.enter_context(Gateway(bench.fresh(ROW), [sink.url], **settings))
            for _ in range(replicas)
        ]

        def spent() -> tuple[float, float, float]:
            own = sum(gateway.cpu_seconds() for gateway in gateways)
            return own, server.cpu_seconds(), server.log_bytes()

        before = spent()
        rate = _rate(gateways, sink, count)
        own, its, log = (after - then for after, then in zip(spent(), before, strict=True))
        memory, shared = max(gateway.peak_memory() for gateway in gateways), server.memory()
    return Cost(
        rate=rate,
        gateway=own * MICROS / count,
        server=its * MICROS / count,
        room=server.room(url) / count,
        owed=server.room(url, "delivery") / count,
        log=log / count,
        memory=memory,
        shared=shared,
    )


def _rate(gateways: list[Gateway], sink: Sink, count: int) -> float:
    """Post to all at once, each its share, and tell how many made the whole way a second."""
    share = count // len(gateways)
    plans = [
        Plan(
            port=gateway.port,
            count=share,
            connections=CONNECTIONS // len(gateways),
            first=FIRST + place * share,
        )
        for place, gateway in enumerate(gateways)
    ]
    with ThreadPoolExecutor(len(plans)) as threads:
        posted = list(threads.map(post, plans))
    received = sink.wait(count)
    began = min(one.began for one in posted)
    return count / (max(received.arrived_at.values()) - began)
