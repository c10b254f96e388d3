"""``python -m benchmarks [ROW …] [--quick] [--json FILE] [--markdown FILE …]``; ``make bench``.

Ends with 0 when everything asked for held, with 1 when something did not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import machine, pages, report
from benchmarks.bench import Bench
from benchmarks.finding import Finding
from benchmarks.rows import ROWS

QUICK = Bench(folder=Path(), rounds=1, scale=0.1)
"""For a look at the way: one round, a tenth of the work. Its numbers say little."""


def main(arguments: list[str]) -> int:
    """Measure the chosen rows and tell what held."""
    options = _parsed(arguments)
    console = Console(stderr=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL, which is not run as root, has its data below
        measures = QUICK if options.quick else Bench(folder=Path())
        bench = Bench(Path(folder) / "data", measures.rounds, measures.scale)
        where = machine.described(Path(folder))
        findings: list[Finding] = []
        for row in options.rows or ROWS:
            console.print(f"measuring {row} …")
            findings += ROWS[row](bench)
            bench.sweep()
    report.show(Console(width=None if sys.stdout.isatty() else 180), where, findings)
    if options.json:
        options.json.write_bytes(report.as_json(where, findings))
    for page in options.markdown:
        pages.write(page, where, findings)
    return 0 if all(finding.held for finding in findings) else 1


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"all, if none is named: {', '.join(ROWS)}"
    )
    parser.add_argument("--quick", action="store_true", help="one round, a tenth of the work")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        nargs="+",
        default=[],
        help="write the table there too; a page of the docs gets it where it has places for it",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(".benchmarks"),
        help="where the data lies meanwhile; on the disk that is meant, not in memory",
    )
    options = parser.parse_args(arguments)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
