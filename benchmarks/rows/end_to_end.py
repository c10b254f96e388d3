"""From the first post to the last arrival at one target, beside a forwarder without a store."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.bodies import FIRST
from benchmarks.children import Child, Gateway, Sink, post
from benchmarks.finding import Finding, at_least, found
from benchmarks.processes.load import Plan

ROW = "end-to-end"
UPDATES = 20_000


def measure(bench: Bench) -> list[Finding]:
    """Measure ours and the limit in turn."""
    count = bench.much(UPDATES)
    ours, limits = [], []
    for _ in range(bench.rounds):
        with Sink() as sink, Child("forwarder", sink.url) as forwarder:
            limits.append(rate(forwarder.port, sink, count))
        with Sink() as sink, Gateway(bench.fresh(ROW), [sink.url]) as gateway:
            ours.append(rate(gateway.port, sink, count))
    return [
        found(ROW, "taken and delivered, one target", "events/s", at_least(5_000), ours),
        found(
            ROW,
            "the same",
            "events/s",
            at_least(0.6),
            ours,
            limits,
            measure="ratio",
            limit_is="a forwarder without a store",
        ),
    ]


def rate(port: int, sink: Sink, count: int, first: int = FIRST) -> float:
    """Post, wait for all to arrive, and tell how many made the whole way a second."""
    posted = post(Plan(port=port, count=count, first=first))
    received = sink.wait(count)
    return count / (max(received.arrived_at.values()) - posted.began)
