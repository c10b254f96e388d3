"""The page ``docs/reference/doctor.md``, made from the table of findings."""

from __future__ import annotations

from hookgram.core.doctor.finding import KINDS

INTRODUCTION = """# What the doctor finds

Made from `src/hookgram/core/doctor/` by `hookgram doctor --docs`; do not edit.

```console
hookgram doctor               # everything
hookgram doctor --no-network  # without Telegram and the targets
hookgram doctor --send-test   # also posts one signed test to every target
hookgram doctor --json        # for programs
```

It changes nothing. Run it where the gateway runs, with the gateway's settings, also while it works.
It ends with 0 when there is no problem, else with 1; notes and warnings do not count. In JSON a
finding has `code`, `area`, `level`, `subject` (the setting or target it concerns), `sentence` and
`remedy`; codes do not change.

Targets are connected to, TLS included, and nothing is sent. `--send-test` posts a body of the
documented form with `event` `test`, no chat and the header `X-Gateway-Test: true`, signed like any
other: a bot should answer 2xx and do nothing.
"""

HEAD = "\n## {area}\n\n| code | level | means | what to do |\n| --- | --- | --- | --- |\n"


def as_page() -> str:
    """Return the page."""
    areas = dict.fromkeys(kind.area for kind in KINDS.values())
    return INTRODUCTION + "".join(_section(area) for area in areas)


def _section(area: str) -> str:
    rows = [
        f"| `{code}` | {kind.level} | {kind.means} | {kind.remedy or '–'} |\n"
        for code, kind in KINDS.items()
        if kind.area == area
    ]
    return HEAD.format(area=area.capitalize()) + "".join(rows)
