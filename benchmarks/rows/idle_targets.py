"""A thousand targets without work, beside none of them."""

from __future__ import annotations

from msgspec import Struct

from benchmarks.bench import Bench
from benchmarks.children import Gateway, Sink
from benchmarks.finding import Finding, at_least, at_most, found
from benchmarks.rows.end_to_end import UPDATES, rate
from benchmarks.rows.idle import idle_cpu

ROW = "idle-targets"
TARGETS = 1_000
FEWER = "the same with one target"


class Seen(Struct):
    """What a round saw of one gateway."""

    cpu: float
    memory: float
    rate: float


def measure(bench: Bench) -> list[Finding]:
    """Measure both in turn."""
    ours, limits = [], []
    for _ in range(bench.rounds):
        limits.append(_seen(bench, 0))
        ours.append(_seen(bench, TARGETS))
    rates = [seen.rate for seen in ours], [seen.rate for seen in limits]
    memories = [seen.memory for seen in ours], [seen.memory for seen in limits]
    return [
        found(ROW, "1,000 idle: processor", "% of a core", at_most(1), [one.cpu for one in ours]),
        found(
            ROW,
            "1,000 idle: memory",
            "MiB",
            at_most(30),
            *memories,
            measure="difference",
            limit_is=FEWER,
        ),
        found(
            ROW,
            "1,000 idle: taken and delivered",
            "events/s",
            at_least(0.95),
            *rates,
            measure="ratio",
            limit_is=FEWER,
        ),
    ]


def _seen(bench: Bench, targets: int) -> Seen:
    program = ("benchmarks.processes.many_targets", str(targets))
    with Sink() as sink, Gateway(bench.fresh(ROW), [sink.url], program=program) as gateway:
        cpu, memory = idle_cpu(bench, gateway), gateway.memory()
        return Seen(cpu, memory, rate(gateway.port, sink, bench.much(UPDATES)))
