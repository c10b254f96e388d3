"""The chats the store knows by rule (see ``ports.ChatBook``): functions over calls."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.access import Chats
from hookgram.store.postgres.call import Kind
from hookgram.store.postgres.transaction import Transaction, View


async def authorise(tx: Transaction, calls: Sequence[int]) -> list[bool]:
    """Admit chats; they are no refused ones any more."""
    told = []
    for chat_id in calls:
        await tx.rows("forget_refused_chat", chat_id=chat_id)
        told.append(await _changed(tx, "authorise_chat", chat_id=chat_id, now=tx.now))
    return told


async def withdraw(tx: Transaction, calls: Sequence[int]) -> list[bool]:
    """Take authorisations back."""
    return [await _changed(tx, "withdraw_chat", chat_id=chat_id) for chat_id in calls]


async def move(tx: Transaction, calls: Sequence[tuple[int, int]]) -> list[None]:
    """Remember the ids that chats had."""
    for chat_id, former in calls:
        await _changed(tx, "move_chat", chat_id=chat_id, former=former, now=tx.now)
    return [None] * len(calls)


async def _changed(tx: Transaction, statement: str, **values: int) -> bool:
    """Tell whether it changed anything, and have other replicas notice if it did."""
    changed = bool(await tx.rows(statement, **values))
    if changed:
        await tx.turn_page()
    return changed


async def chats(view: View) -> Chats:
    """Read all of them."""
    former: dict[int, tuple[int, ...]] = {}
    for chat_id, one in await view.rows("moved_chats"):
        former[chat_id] = (*former.get(chat_id, ()), one)
    authorised = frozenset(row[0] for row in await view.rows("authorised_chats"))
    return Chats(authorised=authorised, former=former)


AUTHORISE = Kind(authorise)
WITHDRAW = Kind(withdraw)
MOVE = Kind(move)
