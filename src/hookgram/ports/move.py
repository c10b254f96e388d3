"""The two ends of a move. No gateway works on either of them from its begin to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hookgram.core.move import Inventory, Mark, Parcel, Table


class MoveSource(Protocol):
    """The store that is left. Its rows stay as they are."""

    async def mark(self) -> Mark | None:
        """Tell of the move that began from here; None if none did."""
        ...

    async def begin(self, move_id: str, destination: str) -> None:
        """Note that a move begins: from now on no gateway starts here, until it is given up."""
        ...

    async def give_up(self) -> None:
        """Forget the move: a gateway may work here again."""
        ...

    async def count(self) -> Inventory:
        """Count what is to be carried."""
        ...

    async def parcel(self, place: bytes | None) -> Parcel | None:
        """Read what comes behind *place* (None: from the start); None when nothing does.

        At most 500 rows, and of their bodies at most 1 MiB, or one.
        """
        ...

    async def last_numbers(self) -> Mapping[Table, int]:
        """Tell the last number ever given to a target, an event, a delivery."""
        ...

    async def end(self) -> None:
        """Note that all was carried."""
        ...


class MoveDestination(Protocol):
    """The store that is filled: an empty one, or one that an earlier part of the move began."""

    @property
    def name(self) -> str:
        """Where it is, for people: nothing secret."""
        ...

    async def mark(self) -> Mark | None:
        """Tell of the move that began to here; None if it is empty. Nothing is changed.

        Raises Refused if it is in use, SchemaMismatch if it is of another version.
        """
        ...

    async def begin(self, move_id: str) -> Mark:
        """Note that the move begins, or tell how far it is; makes the schema if there is none.

        From now on no gateway starts here, until the end. Raises as ``mark`` does, and Refused if
        another move began.
        """
        ...

    async def take(self, move_id: str, parcel: Parcel, *, after: bytes | None) -> None:
        """Keep the rows and how far it is, all or nothing; *after*: how far it was.

        Raises Refused if it was elsewhere, or if somebody else wrote rows of the same numbers.
        """
        ...

    async def count(self) -> Inventory:
        """Count what is here."""
        ...

    async def end(self, move_id: str, last_numbers: Mapping[Table, int]) -> None:
        """Go on behind the last numbers and let gateways start; all is on stable storage then."""
        ...
