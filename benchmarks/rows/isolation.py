"""One target dead, one slow, one healthy: the healthy one beside itself alone."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.children import Gateway, Sink, closed_url, percentile
from benchmarks.finding import Finding, at_most, found
from benchmarks.rows.steady import at_rate, delays

ROW = "isolation"
SLOW = 2.0
"""Seconds that the slow target takes to answer."""


def measure(bench: Bench) -> list[Finding]:
    """Measure the healthy target alone, and beside the two others, in turn."""
    ours, limits = [], []
    for _ in range(bench.rounds):
        with Sink() as healthy:
            limits.append(_p95(bench, healthy, [healthy.url]))
        with Sink() as healthy, Sink(SLOW) as slow:
            ours.append(_p95(bench, healthy, [healthy.url, slow.url, closed_url()]))
    return [
        found(
            ROW,
            "posted to arrived, p95, beside a dead and a slow target",
            "ms",
            at_most(1.5),
            ours,
            limits,
            measure="ratio",
            limit_is="the same target alone",
        )
    ]


def _p95(bench: Bench, healthy: Sink, urls: list[str]) -> float:
    with Gateway(bench.fresh(ROW), urls) as gateway:
        posted, received = at_rate(bench, gateway, healthy)
    return 1000 * percentile(delays(posted, received), 0.95)
