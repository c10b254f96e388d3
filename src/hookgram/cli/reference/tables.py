"""Tables that code decides by: settings, and what an answer means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hookgram.core import verdict
from hookgram.core.complaints import CAUSES
from hookgram.core.doctor.finding import KINDS
from hookgram.core.model import HOUR, State
from hookgram.core.polling import HINDRANCES
from hookgram.core.retry import RetryPolicy
from hookgram.settings import table
from hookgram.settings.file import schema
from hookgram.settings.sources import FROM_FILES


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table; what would end a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", r"\|") for cell in r] for r in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def settings() -> str:
    """Print every setting."""
    return markdown(("variable", "default", "meaning"), table.rows())


def configuration_file() -> str:
    """Print every key of the configuration file, table by table."""
    parts = []
    for header, entry in schema.TABLES.items():
        keys = markdown(("key", "default", "meaning"), schema.rows(entry))
        parts.append(f"## `{header}`\n\n{entry.__doc__}\n\n{keys}")
    return "\n\n".join(parts)


def secret_files() -> str:
    """Print the variables that name a file with a secret in it."""
    return ", ".join(f"`{name}_FILE`" for name in FROM_FILES) + "."


def answers() -> str:
    """Print what each answer of a target means."""
    rows = [(row.what, row.meaning, row.happens) for row in verdict.TABLE]
    return markdown(("answer", "means", "then"), rows)


def findings() -> str:
    """Print what the doctor finds, an area at a time."""
    sections = []
    for area in dict.fromkeys(kind.area for kind in KINDS.values()):
        rows = [
            (f"`{code}`", kind.level, kind.means, kind.remedy or "–")
            for code, kind in KINDS.items()
            if kind.area == area
        ]
        table_of = markdown(("code", "level", "means", "what to do"), rows)
        sections.append(f"## {area.capitalize()}\n\n{table_of}")
    return "\n\n".join(sections)


def complaints() -> str:
    """Print what Telegram may complain of, why, and the cure."""
    rows = [(f"`{cause.message}`", cause.means, cause.cure) for cause in CAUSES]
    return markdown(("last_error_message begins with", "means", "what to do"), rows)


def hindrances() -> str:
    """Print what may hold polling up, and what to do."""
    rows = [(f"`{one.code}`", one.message, one.advice) for one in HINDRANCES]
    return markdown(("reason", "means", "what to do"), rows)


def states() -> str:
    """Print the numbers by which a delivery's state is stored."""
    return markdown(("number", "state"), [(f"`{state}`", state.name.lower()) for state in State])


def retries() -> str:
    """Print how long the default policy tries at least, by the number of retries."""
    rows = []
    for number in (0, 3, 5, 8, 12, 24, 60, 80):
        waits = RetryPolicy.doubling(base=2, retries=number, max_age=HOUR).waits
        rows.append((f"`{number}`", _words(sum(waits)) if waits else "it does not"))
    return markdown(("`MAX_RETRIES`", "goes on trying for at least"), rows)


def _words(micros: int) -> str:
    seconds = micros / 1_000_000
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
