"""The places in pages that are printed: what stands in each, and how a page is printed anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hookgram.cli.reference import commands, counts, logs, payloads, tables

PRINTED: Mapping[str, Callable[[], str]] = {
    "answers": tables.answers,
    "commands": commands.commands,
    "complaints": tables.complaints,
    "configuration file": tables.configuration_file,
    "counters": counts.counters,
    "exit codes": commands.exits,
    "facts": logs.facts_of_lines,
    "figures": counts.figures,
    "findings": tables.findings,
    "headers": payloads.headers,
    "hindrances": tables.hindrances,
    "kinds": payloads.kinds,
    "lines": logs.lines,
    "payload": payloads.payload,
    "retries": tables.retries,
    "secret files": tables.secret_files,
    "settings": tables.settings,
    "states": tables.states,
    "unparsed payload": payloads.unparsed,
}

_PLACE = re.compile(
    r"(?P<begin><!-- printed: (?P<name>.+?) -->\n)(?P<printed>.*?)(?P<end><!-- end -->)", re.DOTALL
)


def printed_anew(page: str) -> str:
    """Return the page with every printed place as the code prints it now. Raises KeyError."""

    def place(found: re.Match[str]) -> str:
        return f"{found['begin']}\n{PRINTED[found['name']]()}\n\n{found['end']}"

    return _PLACE.sub(place, page)


def places(page: str) -> list[str]:
    """Name the printed places of a page."""
    return [found["name"] for found in _PLACE.finditer(page)]
