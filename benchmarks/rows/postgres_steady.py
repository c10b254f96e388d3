"""At a steady 200 updates a second through PostgreSQL: the waits of Telegram and of the target."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.children import Gateway, Sink, percentile
from benchmarks.database import Server
from benchmarks.finding import Finding, at_most, found
from benchmarks.rows.steady import at_rate, delays

ROW = "postgres-steady"


def measure(bench: Bench) -> list[Finding]:
    """Measure answers and deliveries."""
    answers, deliveries = [], []
    with Server(bench.fresh(ROW)) as server:
        for _ in range(bench.rounds):
            database = server.settings()
            with Sink() as sink, Gateway(bench.fresh(ROW), [sink.url], **database) as gateway:
                posted, received = at_rate(bench, gateway, sink)
            answers.append(1000 * percentile(posted.waits, 0.99))
            deliveries.append(1000 * percentile(delays(posted, received), 0.95))
    return [
        found(ROW, "answer, p99, at 200 updates/s", "ms", at_most(20), answers),
        found(ROW, "posted to arrived at the target, p95", "ms", at_most(25), deliveries),
    ]
