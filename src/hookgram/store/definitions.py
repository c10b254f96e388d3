"""How a target's definition is written down."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from hookgram.core.model import Definition


def definition_text(definition: Definition) -> str:
    """Write a definition as JSON: no secret, and of each URL only the host."""
    kept = msgspec.to_builtins(definition)
    del kept["secrets"], kept["urls"]
    kept["hosts"] = [urlsplit(url).hostname or "" for url in definition.urls]
    if definition.bots is not None:
        kept["bots"] = sorted(definition.bots)
    return msgspec.json.encode(kept, order="sorted").decode()
