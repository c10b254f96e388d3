"""What all facts are."""

from __future__ import annotations

from msgspec import Struct


class Fact(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Something that happened."""
