"""At a steady 200 updates a second: how long Telegram waits, and how soon the target has them."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.bodies import FIRST
from benchmarks.children import Gateway, Sink, percentile, post
from benchmarks.finding import Finding, at_most, found
from benchmarks.processes.load import Plan, Posted
from benchmarks.processes.sink import Received

ROW = "steady"
RATE = 200.0
SECONDS = 10


def measure(bench: Bench) -> list[Finding]:
    """Measure answers and deliveries."""
    answers, deliveries = [], []
    for _ in range(bench.rounds):
        with Sink() as sink, Gateway(bench.fresh(ROW), [sink.url]) as gateway:
            posted, received = at_rate(bench, gateway, sink)
        answers.append(1000 * percentile(posted.waits, 0.99))
        deliveries.append(1000 * percentile(delays(posted, received), 0.95))
    return [
        found(ROW, "answer, p99, at 200 updates/s", "ms", at_most(20), answers),
        found(ROW, "posted to arrived at the target, p95", "ms", at_most(25), deliveries),
    ]


def at_rate(bench: Bench, gateway: Gateway, sink: Sink) -> tuple[Posted, Received]:
    """Post at the rate, after a second to warm up, and wait for all to arrive."""
    post(Plan(port=gateway.port, count=int(RATE), rate=RATE))
    sink.wait(int(RATE))
    sink.forget()
    count = bench.much(int(RATE * SECONDS))
    posted = post(Plan(port=gateway.port, count=count, rate=RATE, first=10 * FIRST))
    return posted, sink.wait(count)


def delays(posted: Posted, received: Received) -> list[float]:
    """Return what lay between posting and arriving, sorted."""
    first = min(received.arrived_at)
    return sorted(
        arrived - posted.sent_at[number - first] for number, arrived in received.arrived_at.items()
    )
