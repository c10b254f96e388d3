"""What is counted, from the one list of counters."""

from __future__ import annotations

from hookgram.cli.reference.tables import markdown
from hookgram.core.counters import FIGURES, MEANINGS, Counter


def counters() -> str:
    """Print every counter with its meaning."""
    rows = [
        (f"`{one.counter}`", "each target" if one.by_target else "the gateway", one.counts)
        for one in MEANINGS
    ]
    return markdown(("counter", "kept for", "counts"), rows)


def figures() -> str:
    """Print every number of ``/stats`` that comes from counters, and how."""
    rows = [(f"`{one.name}`", one.meaning, _sum(one.plus, one.minus)) for one in FIGURES]
    rows.append(("`uptime_sec`", "seconds since the application was built", "–"))
    return markdown(("field", "meaning", "worked out as"), rows)


def _sum(plus: tuple[Counter, ...], minus: tuple[Counter, ...]) -> str:
    return " − ".join([" + ".join(f"`{one}`" for one in plus), *(f"`{one}`" for one in minus)])
