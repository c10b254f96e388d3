"""RE2, the engine of filters' expressions: it takes time in proportion to the text, whatever it is.

Imported only where an expression is there to be compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

MEMORY = 1 << 20
"""Bytes that a compiled expression may take."""


def wrong(expression: str) -> str | None:
    """Say what is wrong with an expression; None when nothing is."""
    import re2  # noqa: PLC0415  (most configurations hold no expression)

    try:
        _compiled(expression)
    except re2.error as error:
        reason = error.args[0] if error.args else "it cannot be read"
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return None


def search(expression: str, text: str) -> bool:
    """Tell whether the expression is found in the text. Raises re2.error for a wrong one."""
    return _compiled(expression).search(text) is not None


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    return re2.compile(expression, options)
