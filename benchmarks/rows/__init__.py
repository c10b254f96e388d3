"""The rows of the table, by the names they are chosen with."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.finding import Finding
from benchmarks.rows import (
    backlog,
    end_to_end,
    idle,
    idle_targets,
    ingest,
    isolation,
    postgres_backlog,
    postgres_end_to_end,
    postgres_snapshot,
    postgres_steady,
    postgres_store,
    roles,
    steady,
)

SQLITE = (ingest, end_to_end, steady, backlog, isolation, idle_targets, idle, roles)
POSTGRES = (
    postgres_store,
    postgres_end_to_end,
    postgres_steady,
    postgres_backlog,
    postgres_snapshot,
)

ROWS: dict[str, Callable[[Bench], list[Finding]]] = {
    module.ROW: module.measure for module in (*SQLITE, *POSTGRES)
}
