"""How a target's definition is written down."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from hookgram.core.definition import Definition


def definition_text(definition: Definition) -> str:
    """Write a definition as JSON: nothing that may be secret, and of each URL only the host."""
    kept = msgspec.to_builtins(definition, order="sorted")
    for private in ("secrets", "secret_token", "headers", "urls"):
        del kept[private]
    kept["hosts"] = [urlsplit(url).hostname or "" for url in definition.urls]
    return msgspec.json.encode(kept, order="sorted").decode()
