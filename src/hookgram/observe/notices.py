"""Facts to several listeners, none of which can harm the others or the one who states them."""

from __future__ import annotations

import traceback

from hookgram.core.facts import Fact, TaskFailed
from hookgram.ports import Notice


def fan(first: Notice, *others: Notice) -> Notice:
    """Tell each fact to every listener; *first* is told of a listener that fails."""

    def notice(fact: Fact) -> None:
        first(fact)
        for other in others:
            try:
                other(fact)
            except Exception:  # noqa: BLE001  (who states a fact must not fail because of a listener)
                first(TaskFailed(where="a listener", error=traceback.format_exc()))

    return notice
