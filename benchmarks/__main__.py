"""``python -m benchmarks [ROW …] [--json FILE] [--quick]``; ``make bench``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.rows import ROWS

FOLDER = Path(".benchmarks")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    bench = Bench(FOLDER)
    held = True
    bench.sweep()
    for name in options.rows or ROWS:
        for finding in ROWS[name](bench):
            print(finding)
            held &= finding.held
        bench.sweep()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
