"""The rows of the table, by the names they are chosen with."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.finding import Finding
from benchmarks.rows import end_to_end, ingest

ROWS: dict[str, Callable[[Bench], list[Finding]]] = {
    "ingest": ingest.measure,
    "end-to-end": end_to_end.measure,
}
