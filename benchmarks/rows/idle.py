"""Doing nothing: processor time and memory."""

from __future__ import annotations

import time

from benchmarks.bench import Bench
from benchmarks.children import Gateway, Sink
from benchmarks.finding import Finding, at_most, found

ROW = "idle"
SECONDS = 10.0


def measure(bench: Bench) -> list[Finding]:
    """Measure a gateway with one target and no traffic."""
    cpu, memory = [], []
    for _ in range(bench.rounds):
        with Sink() as sink, Gateway(bench.fresh(ROW), [sink.url]) as gateway:
            cpu.append(idle_cpu(bench, gateway))
            memory.append(gateway.memory())
    return [
        found(ROW, "processor", "% of a core", at_most(1), cpu),
        found(ROW, "memory", "MiB", at_most(120), memory),
    ]


def idle_cpu(bench: Bench, gateway: Gateway) -> float:
    """Let it be, and tell how much of a core it used, in percent."""
    time.sleep(1)
    before, since = gateway.cpu_seconds(), time.monotonic()
    time.sleep(max(SECONDS * bench.scale, 3))
    return 100 * (gateway.cpu_seconds() - before) / (time.monotonic() - since)
