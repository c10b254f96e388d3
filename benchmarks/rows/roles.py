"""Two processes on one file, one that takes and one that delivers, beside one that does both.

Also with each process bound to a core: two threads of a process that share Python's lock lose time
when they run on two cores, and that would hide what a second process brings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from benchmarks.bench import Bench
from benchmarks.bodies import FIRST
from benchmarks.children import Gateway, Sink, percentile
from benchmarks.finding import Bound, Finding, at_least, at_most, found
from benchmarks.rows.end_to_end import rate
from benchmarks.rows.steady import at_rate, delays

ROW = "roles"
UPDATES = 10_000
WARM = 400

Cores: TypeAlias = Sequence[set[int]]
"""The cores of the worker, and of the process that takes updates."""


def measure(bench: Bench) -> list[Finding]:
    """Measure two and one in turn, free and bound."""
    anywhere = os.sched_getaffinity(0)
    first, second = ({core} for core in sorted(anywhere)[:2])
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    waits = []
    for _ in range(bench.rounds):
        for name, serve, cores in (
            ("one", _one, (anywhere,)),
            ("two", _two, (anywhere, anywhere)),
            ("one bound", _one, (first,)),
            ("two bound", _two, (first, second)),
        ):
            with Sink() as sink, serve(bench, sink.url, cores) as gateways:
                if name == "two":
                    seen = delays(*at_rate(bench, gateways[-1], sink))
                    waits.append(1000 * percentile(seen, 0.95))
                    sink.forget()
                events, cost = _seen(bench, sink, gateways)
            rates.setdefault(name, []).append(events)
            costs.setdefault(name, []).append(cost)
    return [
        _against("two", rates, "taken and delivered", "events/s", at_least(0.8)),
        _against("two", costs, "processor time of each", "µs", at_most(1.25)),
        _against("two bound", rates, "taken and delivered", "events/s", at_least(1.0)),
        found(ROW, "two on a file: posted to arrived, p95", "ms", at_most(25), waits),
    ]


def _against(
    name: str, seen: dict[str, list[float]], what: str, unit: str, asked: Bound
) -> Finding:
    bound = ", a core each" if name == "two bound" else ""
    beside = name.replace("two", "one")
    return found(
        ROW,
        f"two on a file{bound}: {what}",
        unit,
        asked,
        seen[name],
        seen[beside],
        measure="ratio",
        limit_is="one process on one core" if bound else "one process",
    )


def _seen(bench: Bench, sink: Sink, gateways: Sequence[Gateway]) -> tuple[float, float]:
    """Tell how many go the whole way a second, and the µs of processor time of each."""
    port = gateways[-1].port
    rate(port, sink, bench.much(WARM), first=10_000_000 + FIRST)
    sink.forget()
    count = bench.much(UPDATES)
    before = sum(gateway.cpu_seconds() for gateway in gateways)
    events = rate(port, sink, count, first=20_000_000 + FIRST)
    return events, 1e6 * (sum(one.cpu_seconds() for one in gateways) - before) / count


@contextmanager
def _one(bench: Bench, url: str, cores: Cores) -> Iterator[list[Gateway]]:
    with _started(lambda: Gateway(bench.fresh(ROW), [url]), cores[0]) as gateway:
        yield [gateway]


@contextmanager
def _two(bench: Bench, url: str, cores: Cores) -> Iterator[list[Gateway]]:
    """Run a worker, and last the one that takes updates."""
    folder = bench.fresh(ROW)
    place = str(folder / "events.db")

    def part(role: str) -> Callable[[], Gateway]:
        return lambda: Gateway(folder / role, [url], SQLITE_PATH=place, ROLE=role)

    with ExitStack() as stack:
        yield [
            stack.enter_context(_started(part(role), own))
            for role, own in zip(("worker", "ingest"), cores, strict=True)
        ]


def _started(start: Callable[[], Gateway], cores: set[int]) -> Gateway:
    """Start a process that runs on these cores: it has them from us."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        return start()
    finally:
        os.sched_setaffinity(0, before)
