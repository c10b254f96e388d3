"""What the gateway is told and tells, without a store: the moment, chance, what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hookgram.core.facts import Fact
from hookgram.core.model import Micros

Clock: TypeAlias = Callable[[], Micros]
"""Tells the moment in integer microseconds UTC."""

Dice: TypeAlias = Callable[[], float]
"""Tells a number in [0, 1) by chance."""

Notice: TypeAlias = Callable[[Fact], None]
"""Is told what happened. Must not block and must not raise."""
