"""The gateway with a thousand targets more, which take the events of another bot only.

``python -m benchmarks.processes.many_targets COUNT``: the settings are the environment's.
"""

from __future__ import annotations

import sys

from msgspec.structs import replace

from hookgram.app import serve
from hookgram.core.definition import Definition
from hookgram.settings import Settings

ANOTHER_BOT = frozenset({654321})


class Many(Settings):
    """The environment's settings, and targets that will never have work."""

    def definitions(self) -> list[Definition]:
        """Return the configured target and the idle ones."""
        [working] = super().definitions()
        idle = replace(working, bots=ANOTHER_BOT)
        return [working, *(replace(idle, name=f"idle-{n}") for n in range(int(sys.argv[1])))]


if __name__ == "__main__":
    sys.exit(serve(Many.from_sources(None, {})))
